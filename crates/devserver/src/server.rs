//! The server: routes, connections, start and end.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{
    net::TcpStream,
    sync::{broadcast, watch},
    task::JoinHandle,
};

use crate::{
    Faults, Options, RequestRecord, StartError, User,
    backend::Backend,
    clock::{Clock, SystemClock},
    connections, control, endpoint, login,
    nextauth::{self, SITE_SECRET},
    oidc,
    reply::{Answer, Note},
    request,
};

/// A running development backend. Dropping it stops it too; [`shutdown`](Self::shutdown) also says when it has ended.
pub struct DevServer {
    address: SocketAddr,
    backend: Arc<Backend>,
    notices: Vec<String>,
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl DevServer {
    /// Starts to listen, on the tokio runtime it is called in. Once it returns, requests are answered.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with_clock(options, Arc::new(SystemClock)).await
    }

    /// The same with another clock than the machine's: for tests, and for the lab's virtual time.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start_with_clock(options: Options, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        options.check()?;
        // Before the state is opened: a second server must not touch the file of the first.
        let (listener, address) = connections::listen(options.listen).await?;
        let opening =
            tokio::task::spawn_blocking(move || Backend::open(options, format!("http://{address}"), clock));
        let (backend, notices) = opening.await.map_err(|error| StartError::Key(error.to_string()))??;

        let backend = Arc::new(backend);
        let stop = watch::Sender::new(());
        let (own, router, stopped) = (Arc::clone(&backend), router(Arc::clone(&backend)), stop.subscribe());
        let serving = move |stream| serve(stream, Arc::clone(&own), router.clone(), stopped.clone());
        let clock = Arc::clone(&backend.clock);
        let accepting = tokio::spawn(connections::accept(listener, clock, stop.subscribe(), serving));
        Ok(Self { address, backend, notices, stop, accepting })
    }

    /// Where it listens, such as `http://127.0.0.1:4180`.
    pub fn url(&self) -> &str {
        &self.backend.issuer
    }

    /// The `iss` of its tokens: the same as the [`url`](Self::url).
    pub fn issuer(&self) -> &str {
        &self.backend.issuer
    }

    /// The one OAuth client: public, with any redirect URI on this machine.
    pub fn client_id(&self) -> &'static str {
        oidc::CLIENT_ID
    }

    /// Where it listens; the port is the real one, also where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who can sign in.
    pub fn users(&self) -> &[User] {
        &self.backend.options.users
    }

    /// What the person should know about this start, such as a damaged state file. Often empty.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The latest 5000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.backend.log.all()
    }

    /// The requests from now on, each as soon as its answer is decided. A follower that falls more than 256 behind
    /// is told how many it missed.
    pub fn follow_requests(&self) -> broadcast::Receiver<RequestRecord> {
        self.backend.log.follow()
    }

    /// The handle with which faults are planned.
    pub fn faults(&self) -> Faults {
        self.backend.faults.clone()
    }

    /// Revokes every session of this user, as an administrator would; how many were still going. `None` for a name
    /// nobody has.
    pub async fn revoke(&self, username: &str) -> Option<usize> {
        let revoked = self.backend.revoke(username)?;
        // What could not be written now is written with the next change, or at the end.
        let _ = self.backend.save().await;
        Some(revoked)
    }

    /// Signs with a new key from now on; its `kid`. Old keys stay published until the last token they signed has
    /// expired, or go at once if `remove_old`.
    pub async fn rotate_keys(&self, remove_old: bool) -> Result<String, StartError> {
        let key_id = self.backend.rotate_keys(remove_old).await?;
        // As with `revoke`.
        let _ = self.backend.save().await;
        Ok(key_id)
    }

    /// Accepts nothing new, lets replies leave for up to 2 s, then ends. The port is free afterwards.
    pub async fn shutdown(self) {
        let Self { backend, stop, accepting, .. } = self;
        drop(stop);
        // It ends by itself; it only fails if the runtime is going away, which ends it as well.
        let _ = accepting.await;
        let _ = backend.save().await;
    }
}

impl std::fmt::Debug for DevServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevServer").field("url", &self.url()).finish_non_exhaustive()
    }
}

fn router(backend: Arc<Backend>) -> Router {
    Router::new()
        .route("/", get(about))
        .route(endpoint::LOGIN, post(login::login))
        .route(endpoint::REFRESH, post(login::refresh))
        .route(endpoint::LOGOUT, post(login::logout))
        .route(endpoint::ME, get(login::me))
        .route(endpoint::JWKS, get(key_set))
        .merge(oidc::routes())
        .merge(nextauth::routes())
        .route(
            "/__fault",
            post(control::plan_fault).get(control::planned_faults).delete(control::clear_faults),
        )
        .route("/__rules", get(control::rules))
        .route("/__revoke", post(control::revoke))
        .route("/__session", post(control::change_session))
        .route("/__expire", post(control::expire))
        .route("/__replay", post(control::replay))
        .route("/__rotate_keys", post(control::rotate_keys))
        .route("/__requests", get(control::requests))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(backend)
}

async fn serve(stream: TcpStream, backend: Arc<Backend>, router: Router, stop: watch::Receiver<()>) {
    let stopped = stop.clone();
    let answering =
        move |request| request::answer(Arc::clone(&backend), router.clone(), stopped.clone(), request);
    connections::serve(stream, stop, answering).await;
}

async fn about(State(backend): State<Arc<Backend>>) -> Response {
    let text = format!(
        "This is the Latchkey development backend at {}.\n\
         It issues tokens for made-up users; nothing real is behind it.\n\n\
         POST /auth/login          {{\"username\", \"password\"}}\n\
         POST /auth/refreshToken   {{\"token\"}}\n\
         POST /auth/logout         {{\"token\"}}\n\
         GET  /auth/me             with Authorization: Bearer\n\
         GET  /api/auth/session    a site like those of Auth.js; its secret is {SITE_SECRET}\n\
         GET  /.well-known/openid-configuration\n\
         \x20                         the OpenID provider; its client is `latchkey`\n\
         GET  /.well-known/jwks.json\n\
         GET  /__requests          what this server saw\n\
         POST /__fault             make something go wrong\n\
         POST /__revoke            {{\"username\"}}\n\
         POST /__session           {{\"username\", \"user\"}}: what sessions of the site say from now on\n\
         POST /__expire            {{\"username\"}}: its access tokens end now\n\
         POST /__replay            {{\"username\"}}: its last used refresh token comes again\n\
         POST /__rotate_keys       {{\"remove_old\"}}\n",
        backend.issuer
    );
    let mut response = text.into_response();
    response.extensions_mut().insert(Note { outcome: "told what this server is".into(), family: None });
    response
}

async fn key_set(State(backend): State<Arc<Backend>>) -> Answer {
    Answer::ok(&backend.keys().key_set(backend.clock.now()), "published the key set")
}

async fn not_found() -> Answer {
    Answer::refused(StatusCode::NOT_FOUND, "not_found", "there is no such path here")
}

async fn wrong_method() -> Answer {
    Answer::refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "this path takes another method")
}
