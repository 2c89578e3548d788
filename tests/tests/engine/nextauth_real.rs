//! Real NextAuth v4 and Auth.js v5: what they do with a session, and what is made of it here. Their clock is the real one,
//! so states are waited for, and no moment is told more closely than in seconds.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::secret::{Password, Secret};
use latchkey_engine::clock::SystemClock;
use latchkey_engine::http::Http;
use latchkey_engine::journal::MemoryJournal;
use latchkey_engine::network::ManualNetwork;
use latchkey_engine::ports::{NoBrowser, Vault};
use latchkey_engine::renewal_lock::FileLock;
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::vault::memory::MemoryVault;
use latchkey_engine::{EngineError, EngineHandle, Setup, SiteSecret, TokenRequest};
use latchkey_tests::engine_world::{Notices, reason};
use latchkey_tests::site_server::{PASSWORD, SITE_SECRET, SiteServer, SiteSettings, Version};
use serde_json::json;
use tempfile::TempDir;

const BOTH: [Version; 2] = [Version::V4, Version::V5];

/// The longest that anything may take on a busy machine.
const GUARD: Duration = Duration::from_secs(90);

/// A site and what stands on this side of it, in real time.
struct Shop {
    site: SiteServer,
    vault: MemoryVault,
    dir: TempDir,
}

impl Shop {
    async fn like(version: Version, settings: SiteSettings) -> Self {
        let site = SiteServer::start(version, settings).await;
        Self { site, vault: MemoryVault::new(), dir: tempfile::tempdir().unwrap() }
    }

    fn engine(&self) -> Shopper {
        let clock = Arc::new(SystemClock);
        let setup = Setup {
            vault: Arc::new(self.vault.clone()),
            lock: Arc::new(FileLock::new(self.dir.path().join("locks"), clock.clone())),
            journal: Arc::new(MemoryJournal::default()),
            network: Arc::new(ManualNetwork::default()),
            clock,
            notifier: Arc::new(Notices::default()),
            browser: Arc::new(NoBrowser),
            http: Http::new().unwrap(),
            fingerprints: FingerprintKey::new([7; 32]),
            consents: None,
            screen: None,
            background: true,
        };
        let account = self.site.account();
        let name = account.name.clone();
        Shopper { engine: EngineHandle::start(setup, [account]), name }
    }

    async fn signed_in(&self) -> Shopper {
        let shopper = self.engine();
        shopper.signs_in("alice", PASSWORD).await.unwrap();
        shopper
    }
}

struct Shopper {
    engine: EngineHandle,
    name: latchkey_core::account::AccountName,
}

impl Shopper {
    async fn signs_in(&self, who: &str, password: &str) -> Result<SessionStatus, EngineError> {
        let login = Login { username: who.to_owned(), password: Password::new(password) };
        self.engine.sign_in(&self.name, SignIn::Password(login)).await
    }

    async fn now(&self) -> SessionStatus {
        self.engine.status(&self.name).await.unwrap()
    }

    async fn session_token(&self) -> String {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::from_secs(30) };
        self.engine.token(&self.name, request).await.unwrap().access.expose().to_owned()
    }

    async fn until(&self, what: &str, like: impl Fn(&SessionStatus) -> bool) -> SessionStatus {
        let mut watch = self.engine.watch();
        let seen = watch.wait_for(|all| all.get(&self.name).is_some_and(|status| like(status)));
        let seen = tokio::time::timeout(GUARD, seen).await;
        let all = seen.unwrap_or_else(|_| panic!("waited in vain for {what}")).unwrap();
        (*all[&self.name]).clone()
    }

    /// Sends data for the session; tells whether the site says so afterwards.
    async fn updates(&self, data: serde_json::Value) -> SessionStatus {
        self.engine.update_session(&self.name, data).await.unwrap()
    }
}

fn end(status: &SessionStatus) -> Timestamp {
    status.clocks.session.as_ref().unwrap().expires_at.parse().unwrap()
}

fn says(status: &SessionStatus, name: &str) -> Option<String> {
    let claims = &status.access.as_ref()?.claims;
    claims.iter().find(|claim| claim.name == name).map(|claim| claim.value.clone())
}

fn lasting(seconds: u64) -> SiteSettings {
    SiteSettings { max_age: Duration::from_secs(seconds), ..SiteSettings::default() }
}

#[tokio::test]
async fn both_versions_sign_in_refuse_and_sign_out_each_in_its_own_way() {
    for version in BOTH {
        let shop = Shop::like(version, SiteSettings::default()).await;
        let shopper = shop.engine();
        let error = shopper.signs_in("alice", "wrong").await.unwrap_err();
        assert!(matches!(error, EngineError::WrongCredentials { .. }), "{version:?}: {error:?}");
        let error = shopper.signs_in("boom", "x").await.unwrap_err();
        let EngineError::SignInFailed { reason } = &error else { panic!("{version:?}: {error:?}") };
        assert_eq!(reason.code(), "sign_in_refused", "{version:?}");
        let status = shopper.signs_in("alice", PASSWORD).await.unwrap();
        let identity = status.identity.as_ref().unwrap();
        assert_eq!((identity.name.as_deref(), identity.subject.as_deref()), (Some("Alice"), Some("u1")));
        let left = end(&status).duration_since(status.access.as_ref().unwrap().received_at.parse().unwrap());
        assert!((1790..=1801).contains(&left.as_secs()), "{version:?}: {left:?}");
        // Revalidating reads the session again, and nothing in it changed.
        let again = shopper.engine.revalidate(&shopper.name).await.unwrap();
        assert_eq!((again.generation, again.updated), (2, None), "{version:?}");
        let updated = shopper.updates(json!({ "nick": "Al" })).await;
        assert_eq!(says(&updated, "user.nick").as_deref(), Some("Al"), "{version:?}");
        let changed: Vec<_> = updated.updated.unwrap().changes.iter().map(ToString::to_string).collect();
        assert_eq!(changed, ["user.nick is Al"], "{version:?}");
        shopper.engine.sign_out(&shopper.name).await.unwrap();
        shopper
            .until("the site was told", |status| status.next.as_ref().is_none_or(|n| n.action == "sign_in"))
            .await;
        assert!(shop.vault.read(&shopper.name).await.unwrap().is_none(), "{version:?}: nothing is left");
    }
}

#[tokio::test]
async fn a_rolling_session_outlives_its_first_end_by_being_read() {
    for version in BOTH {
        let shop = Shop::like(version, lasting(8)).await;
        let shopper = shop.signed_in().await;
        let first = end(&shopper.now().await);
        let status = shopper.until("two readings", |status| status.generation >= 3).await;
        let moved = end(&status).duration_since(first).as_secs();
        assert!(moved >= 8, "{version:?}: the end moved by {moved} s");
        assert_eq!(status.state.as_str(), "signed_in");
        assert_eq!(status.renewals.failed, 0, "{version:?}");
    }
}

#[tokio::test]
async fn a_static_session_is_seen_to_be_one_and_ends_when_it_said_it_would() {
    for version in BOTH {
        let shop = Shop::like(version, SiteSettings { fixed_end: true, ..lasting(10) }).await;
        let shopper = shop.signed_in().await;
        let first = end(&shopper.now().await);
        let fixed = |status: &SessionStatus| {
            status.generation > 1
                && status.next.as_ref().is_some_and(|next| next.why.starts_with("the session ends then"))
        };
        let status = shopper.until("the end is seen to be fixed", fixed).await;
        assert!(end(&status).duration_since(first).abs().as_secs() <= 2, "{version:?}: it did not move");
        let over = shopper.until("the end", |status| status.state == "needs_sign_in").await;
        assert_eq!(reason(&over), "ceiling_reached", "{version:?}");
    }
}

#[tokio::test]
async fn a_session_that_grows_past_one_cookie_and_shrinks_again_is_kept() {
    for version in BOTH {
        let shop = Shop::like(version, SiteSettings::default()).await;
        let shopper = shop.signed_in().await;
        // Node takes no more than 16 KiB of headers.
        for pad in [6_000, 20, 9_000, 4_500, 0] {
            let status = shopper.updates(json!({ "pad": pad })).await;
            assert_eq!(says(&status, "padded"), Some(pad.to_string()), "{version:?}");
            let long = shopper.session_token().await.len();
            assert_eq!(long > 4096, pad > 4096, "{version:?}: {pad} made a cookie of {long}");
            // What is stored is what the site knows: it reads it again as it is.
            let again = shopper.engine.revalidate(&shopper.name).await.unwrap();
            assert_eq!(says(&again, "padded"), Some(pad.to_string()), "{version:?}");
        }
    }
}

#[tokio::test]
async fn two_hundred_interleaved_readings_and_updates_lose_no_cookie() {
    // What stands behind the session rotates at each reading: one lost or stale cookie ends the family.
    let settings = SiteSettings { backend_lifetime: Some(Duration::from_secs(1)), ..SiteSettings::default() };
    let shop = Shop::like(Version::V5, settings).await;
    let one = Arc::new(shop.signed_in().await);
    let other = Arc::new(shop.engine());
    other.until("the first generation", |status| status.generation == 1).await;
    let mut doing = tokio::task::JoinSet::new();
    for turn in 0..200_u32 {
        let who = if turn % 2 == 0 { one.clone() } else { other.clone() };
        doing.spawn(async move {
            if turn % 5 == 0 {
                let pad = if turn % 10 == 0 { 6_000 } else { 10 };
                // An update that finds another one under way is told so, and sends nothing.
                let _ = who.engine.update_session(&who.name, json!({ "counter": turn, "pad": pad })).await;
            } else {
                who.engine.revalidate(&who.name).await.unwrap();
            }
        });
    }
    while let Some(done) = doing.join_next().await {
        done.unwrap();
    }
    for who in [&one, &other] {
        let status = who.engine.revalidate(&who.name).await.unwrap();
        assert_eq!((status.state.as_str(), says(&status, "error")), ("signed_in", None));
        assert!(says(&status, "counter").is_some());
    }
}

#[tokio::test]
async fn a_backend_that_refuses_shows_in_the_session_and_is_looked_at_again() {
    for version in BOTH {
        let settings =
            SiteSettings { backend_lifetime: Some(Duration::from_secs(1)), ..SiteSettings::default() };
        let shop = Shop::like(version, settings).await;
        let shopper = shop.signed_in().await;
        let stale = shop.vault.read(&shopper.name).await.unwrap().unwrap();
        let rotated = |status: &SessionStatus| status.generation >= 2;
        // The backend's token is spent once its access token is over; until then readings leave it alone.
        let spent = tokio::time::timeout(GUARD, async {
            loop {
                let status = shopper.engine.revalidate(&shopper.name).await.unwrap();
                let age = status.access.as_ref().unwrap().received_at.parse::<Timestamp>().unwrap();
                if rotated(&status) && age.duration_since(stale.received_at).as_secs() >= 2 {
                    return status.generation;
                }
            }
        });
        let generation = spent.await.unwrap();
        shopper.engine.close().await;
        // A copy of the first cookie, put in the place of the newest: what an old backup would do.
        let copy = latchkey_engine::vault::Envelope { generation: u64::from(generation) + 1, ..stale };
        shop.vault.write(&shopper.name, &copy).await.unwrap();
        let again = shop.engine();
        assert!(again.engine.renew(&again.name).await.is_err(), "{version:?}");
        let status = again.now().await;
        assert_eq!((status.state.as_str(), reason(&status)), ("waiting", "session_error"), "{version:?}");
    }
}

#[tokio::test]
async fn a_cookie_of_a_real_site_is_opened_with_its_secret() {
    for version in BOTH {
        let shop = Shop::like(version, SiteSettings::default()).await;
        let shopper = shop.signed_in().await;
        let given = Some(Secret::new(SITE_SECRET.to_owned()));
        let opened = shopper.engine.open_cookie(&shopper.name, SiteSecret { given, keep: true }).await;
        let opened = opened.ok().unwrap();
        assert_eq!(opened.claims["uid"], "u1", "{version:?}");
        // It was asked to be kept, and goes on with the session.
        shopper.engine.revalidate(&shopper.name).await.unwrap();
        let kept = shopper.engine.open_cookie(&shopper.name, SiteSecret { given: None, keep: false }).await;
        assert!(kept.is_ok(), "{version:?}");
        let wrong = Some(Secret::new("another".to_owned()));
        let refused =
            shopper.engine.open_cookie(&shopper.name, SiteSecret { given: wrong, keep: true }).await;
        assert!(matches!(refused, Err(EngineError::CookieNotOpened { .. })), "{version:?}");
    }
}
