//! What an account's task hears, and the way to it.

use std::sync::Arc;

use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::secret::AccessToken;
use latchkey_core::session::{Asker, Input};
use tokio::sync::{mpsc, oneshot};

use crate::consumers::Consumer;
use crate::engine::{IssuedToken, TokenRequest};
use crate::error::EngineError;
use crate::inspection::Inspection;
use crate::provider::nextauth::site_secret::OpenedCookie;
use crate::sign_in::SignIn;
use crate::snapshot::SessionStatus;
use crate::vault::Identity;
use crate::workshop::{Arrived, SiteSecret};

/// What an account's task can be asked or told.
pub(crate) enum Message {
    SignIn(Box<SignIn>, oneshot::Sender<Result<SessionStatus, EngineError>>),
    CancelSignIn,
    SignOut(oneshot::Sender<Result<SessionStatus, EngineError>>),
    /// Renews now, for a person or for a program.
    Renew(Asker, oneshot::Sender<Result<SessionStatus, EngineError>>),
    /// For a program, if it is not for this process itself.
    Token(TokenRequest, Option<Arc<Consumer>>, oneshot::Sender<Result<IssuedToken, EngineError>>),
    /// Reads the session again; who is signed in, where it is no site's.
    Revalidate(Option<oneshot::Sender<Result<SessionStatus, EngineError>>>),
    /// Who is signed in, as it was found out again.
    Revalidated(Box<Result<Option<Identity>, EngineError>>),
    /// Changes what the session holds.
    UpdateSession(Box<serde_json::Value>, oneshot::Sender<Result<SessionStatus, EngineError>>),
    /// Opens the session cookie with its site's secret.
    OpenCookie(SiteSecret, oneshot::Sender<Result<OpenedCookie, EngineError>>),
    Inspect(oneshot::Sender<Result<Inspection, EngineError>>),
    InspectOther(AccessToken, oneshot::Sender<Option<Inspection>>),
    TokenRejected(Fingerprint, Option<oneshot::Sender<Result<SessionStatus, EngineError>>>),
    Used,
    Reload,
    /// Something beside the session changed that its status tells.
    Look,
    Status(oneshot::Sender<SessionStatus>),
    /// Ends the task once nothing is under way, and says that it has. One that has tokens which are not stored yet, or of a
    /// sign-out not erased, goes on and says so, unless it is to end for good.
    Close {
        closed: oneshot::Sender<bool>,
        for_good: bool,
    },
    /// Something that was begun has ended.
    Done(Box<Done>),
}

impl Message {
    /// Whether it is answered with what is in hand.
    pub(super) fn looks(&self) -> bool {
        matches!(self, Self::Token(..) | Self::Status(_) | Self::Inspect(_) | Self::OpenCookie(..))
    }
}

/// How something ended that was begun for an effect.
pub(crate) struct Done {
    pub(super) input: Input,
    pub(super) arrived: Option<Arrived>,
    /// What to tell whoever asked, where the input says less.
    pub(super) told: Option<EngineError>,
}

/// The way to an account's task.
#[derive(Clone)]
pub(crate) struct Outbox(pub(super) mpsc::UnboundedSender<Boxed>);

/// Every inbox has room for 32 of these from the beginning.
pub(super) type Boxed = Box<Message>;

impl Outbox {
    /// # Errors
    /// [`EngineError::Closing`] where the task has ended.
    pub(crate) fn send(&self, message: Message) -> Result<(), EngineError> {
        self.0.send(Box::new(message)).map_err(|_| EngineError::Closing)
    }
}
