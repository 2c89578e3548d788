//! Nothing that anybody can see holds a token or a password: not a status, not an error, not the log, not a notice.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_tests::engine_world::{Engine, PASSWORD, REFRESH, World};
use serde_json::json;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// What must not be seen, and what could be seen.
#[derive(Default)]
struct Scan {
    secrets: Vec<String>,
    texts: Vec<String>,
}

impl Scan {
    /// Remembers the tokens that are in the vault now, and what the session shows now.
    async fn look(&mut self, world: &World, engine: &Engine) {
        if let Some(stored) = world.stored().await {
            let access = stored.tokens.access.expose().to_owned();
            // The signature is what makes a JWT worth stealing; its claims are shown on purpose.
            self.secrets.extend(access.rsplit_once('.').map(|(_, signature)| signature.to_owned()));
            self.secrets.push(access);
            self.secrets.extend(stored.tokens.refresh.map(|token| token.expose().to_owned()));
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

    /// Every secret in every form that a text might hold it in.
    fn forms(&self) -> Vec<String> {
        let mut forms = Vec::new();
        for secret in &self.secrets {
            let bytes = secret.as_bytes();
            let list = format!("{bytes:?}");
            forms.extend([
                secret.clone(),
                BASE64_STANDARD.encode(bytes),
                BASE64_STANDARD_NO_PAD.encode(bytes),
                BASE64_URL_SAFE.encode(bytes),
                BASE64_URL_SAFE_NO_PAD.encode(bytes),
                hex(bytes),
                hex(bytes).to_uppercase(),
                list.trim_matches(['[', ']']).to_owned(),
            ]);
        }
        forms
    }
}

#[tokio::test]
async fn a_whole_life_of_a_session_shows_no_token_and_no_password_anywhere() {
    let mut world = World::new().await;
    let engine = world.engine();
    let mut scan =
        Scan { secrets: vec![PASSWORD.to_owned(), "wrong-LKCANARY-password".to_owned()], ..Scan::default() };

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
    assert!(scan.secrets.len() > 20 && scan.texts.len() > 60, "the scan has something to scan");
    for form in scan.forms() {
        for text in &scan.texts {
            assert!(
                !text.contains(&form),
                "a secret ({} characters) stands in: {}",
                form.len(),
                text.replace(&form, "[HERE]")
            );
        }
    }
}

#[tokio::test]
async fn the_scan_finds_what_it_looks_for() {
    let scan = Scan { secrets: vec!["secret-token".to_owned()], ..Scan::default() };
    let forms = scan.forms();
    for form in
        ["secret-token", "c2VjcmV0LXRva2Vu", "7365637265742d746f6b656e", "115, 101, 99, 114, 101, 116"]
    {
        assert!(forms.iter().any(|known| known.contains(form)), "{form}");
    }
}
