//! Nothing that anybody can see holds a token or a password: not a status, not an error, not the log, not a notice.

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::canary::Canary;
use latchkey_tests::engine_world::{Engine, PASSWORD, REFRESH, World};
use serde_json::json;

/// What must not be seen, and what could be seen.
#[derive(Default)]
struct Scan {
    canary: Canary,
    texts: Vec<String>,
}

impl Scan {
    /// Remembers the tokens that are in the vault now, and what the session shows now.
    async fn look(&mut self, world: &World, engine: &Engine) {
        if let Some(stored) = world.stored().await {
            let access = stored.tokens.access.expose();
            // The signature is what makes a JWT worth stealing; its claims are shown on purpose.
            let signature = access.rsplit_once('.').map_or(access, |(_, signature)| signature);
            self.canary.watch("a signature", signature);
            self.canary.watch("an access token", access);
            if let Some(refresh) = &stored.tokens.refresh {
                self.canary.watch("a refresh token", refresh.expose());
            }
        }
        let status = engine.settles().await;
        self.texts.push(serde_json::to_string(&status).unwrap());
        self.texts.push(format!("{status:?}"));
    }

    /// Remembers what somebody was told who asked in vain.
    fn told<T>(&mut self, answer: Result<T, latchkey_engine::EngineError>) {
        let Err(error) = answer else { return };
        self.texts.extend([error.to_string(), format!("{error:?}")]);
        self.texts.extend(error.hint());
    }
}

#[tokio::test]
async fn a_whole_life_of_a_session_shows_no_token_and_no_password_anywhere() {
    let mut world = World::new().await;
    let engine = world.engine();
    let mut scan = Scan::default();
    scan.canary.watch("the password", PASSWORD);
    scan.canary.watch("a wrong password", "wrong-LKCANARY-password");

    scan.told(engine.signs_in_with("wrong-LKCANARY-password").await);
    engine.signs_in().await.unwrap();
    scan.look(&world, &engine).await;
    engine.next_thing_happens().await;
    scan.look(&world, &engine).await;

    // A backend that repeats what it was sent, in the places that are shown.
    let echoed = world.stored_refresh_token().await;
    for code in ["invalid_request", "invalid_client"] {
        let body = json!({ "error": code, "error_description": format!("token {echoed} is odd"), "message": echoed });
        world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(400).body(body.to_string()));
        scan.told(engine.renews().await);
        scan.look(&world, &engine).await;
        engine.renews().await.unwrap();
    }
    let of = |mode| Fault::new(REFRESH, mode);
    for fault in [
        of(FaultMode::DropBefore).times(2),
        of(FaultMode::Html),
        of(FaultMode::Status).status(200).body(format!(r#"{{"refreshToken":"{echoed}","acc"#)).times(2),
        of(FaultMode::Redirect).header("Location", format!("/?token={echoed}")),
        of(FaultMode::Status).status(404),
    ] {
        world.goes_wrong(fault);
        scan.told(engine.renews().await);
        scan.look(&world, &engine).await;
        engine.renews().await.unwrap();
    }

    world.vault.fail_next_writes(1, VaultProblem::Refused);
    scan.told(engine.renews().await);
    scan.look(&world, &engine).await;
    engine.time_passes(SignedDuration::from_secs(5)).await;
    scan.look(&world, &engine).await;

    world.backend_goes_away().await;
    scan.told(engine.renews().await);
    scan.look(&world, &engine).await;
    world.backend_comes_back().await;
    engine.renews().await.unwrap();
    scan.look(&world, &engine).await;

    world.server().revoke("demo").await;
    scan.told(engine.renews().await);
    scan.look(&world, &engine).await;
    engine.access_token_expires().await;
    scan.told(engine.token().await);
    engine.signs_in().await.unwrap();
    scan.look(&world, &engine).await;
    engine.signs_out().await.unwrap();
    scan.told(engine.token().await);
    scan.look(&world, &engine).await;
    engine.close().await;

    scan.texts.extend(world.notices.all().iter().map(|notice| format!("{notice:?}")));
    scan.texts.extend(
        world
            .records()
            .iter()
            .flat_map(|record| [serde_json::to_string(record).unwrap(), format!("{record:?}")]),
    );
    scan.texts.extend(world.traced.texts());
    world.log.flush();
    for file in std::fs::read_dir(world.log_dir()).unwrap() {
        scan.texts.push(String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned());
    }
    let (secrets, texts) = (scan.canary.secrets(), scan.texts.len());
    assert!(secrets > 20 && texts > 60, "{secrets} secrets in {texts} texts: there is nothing to look at");
    let looked = scan.texts.iter().enumerate();
    let found: Vec<_> = looked
        .flat_map(|(number, text)| scan.canary.look(&format!("text {number}"), text.as_bytes()))
        .collect();
    assert_eq!(found, [""; 0]);
}
