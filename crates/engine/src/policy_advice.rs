//! What in an account's policy contradicts itself, or what is known of its tokens; as people and programs see it.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::advice::{Known, Severity, advice};
use serde::Serialize;

use crate::command_line::ProgramFlaw;
use crate::config::AccountConfig;
use crate::engine::EngineHandle;
use crate::error::EngineError;
use crate::hooks;
use crate::snapshot::SessionStatus;

/// One thing to think about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PolicyAdvice {
    /// Stable name.
    pub code: String,
    /// `warning`: it does not do what it seems to. `note`: worth knowing.
    pub severity: String,
    /// What it is, why that matters, and what to do.
    pub message: String,
}

/// Everything to think about in an account's policy, what matters most first. With a session it is known how long the
/// tokens live; without one only what the policy says of itself is looked at.
pub fn policy_advice(account: &AccountConfig, session: Option<&SessionStatus>) -> Vec<PolicyAdvice> {
    let plain_http = account.provider.address().is_some_and(|address| address.scheme() == "http");
    let known = Known { plain_http, ..session.map(lifetimes).unwrap_or_default() };
    let severity = |severity| match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
    };
    let told = advice(&account.policy, known).into_iter().map(|one| PolicyAdvice {
        code: one.code.to_owned(),
        severity: severity(one.severity).to_owned(),
        message: one.message,
    });
    told.chain(program_advice(account)).collect()
}

/// What is odd about the programs that the account runs when its session changes.
fn program_advice(account: &AccountConfig) -> impl Iterator<Item = PolicyAdvice> {
    hooks::flaws(&account.on_event).into_iter().map(|(program, flaw)| {
        let code = match flaw {
            ProgramFlaw::NotFound => "program_not_found",
            ProgramFlaw::NotExecutable(_) => "program_not_executable",
            ProgramFlaw::OthersMayChange(_) => "program_changeable_by_others",
        };
        let message = format!("`on_event` is to run `{program}`: {flaw}");
        PolicyAdvice { code: code.to_owned(), severity: "warning".to_owned(), message }
    })
}

impl EngineHandle {
    /// What in the account's policy contradicts itself, or what is known of its tokens.
    ///
    /// # Errors
    /// [`EngineError::UnknownAccount`].
    pub async fn policy_advice(&self, account: &AccountName) -> Result<Vec<PolicyAdvice>, EngineError> {
        self.while_changed(account).await;
        let config = self.known(account, |known| known.config.clone())?;
        let session = self.status(account).await?;
        Ok(policy_advice(&config, Some(&session)))
    }
}

/// How long the tokens in hand live, each from its receipt.
fn lifetimes(session: &SessionStatus) -> Known {
    let Some(received) =
        session.access.as_ref().and_then(|access| access.received_at.parse::<Timestamp>().ok())
    else {
        return Known::default();
    };
    let from_receipt = |expires_at: &str| -> Option<SignedDuration> {
        expires_at.parse::<Timestamp>().ok().map(|end| end.duration_since(received))
    };
    let clocks = &session.clocks;
    Known {
        // What is known of it is asked for its renewals, and without a refresh token there are none.
        access: clocks
            .access
            .as_ref()
            .filter(|_| session.refresh.is_some())
            .and_then(|clock| from_receipt(&clock.expires_at)),
        refresh: clocks.refresh.as_ref().and_then(|clock| from_receipt(&clock.expires_at)),
        session: clocks
            .session
            .as_ref()
            .filter(|clock| clock.source != "policy")
            .and_then(|clock| from_receipt(&clock.expires_at)),
        plain_http: false,
    }
}
