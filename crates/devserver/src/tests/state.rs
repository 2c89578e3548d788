//! What outlives the process, and what must not be in it.

use std::{fs, path::Path, sync::Arc, time::Duration};

use super::client::World;
use crate::{StartError, clock::manual::ManualClock};

async fn start(clock: &Arc<ManualClock>, path: &Path) -> World {
    World::at(clock.clone(), |options| {
        options.state = Some(path.to_owned());
        options.grace = Duration::from_secs(10);
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_so_does_the_key() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let world = start(&clock, &path).await;
    assert!(world.server.notices().is_empty());
    let first = world.client.login().await;
    let second = world.client.refresh(&first["refreshToken"]).await.json();
    let keys = world.client.get("/.well-known/jwks.json").await.text;
    world.server.shutdown().await;

    let world = start(&clock, &path).await;
    assert!(world.server.notices().is_empty());
    assert_eq!(world.client.get("/.well-known/jwks.json").await.text, keys);
    clock.advance(Duration::from_secs(10));
    let third = world.client.refresh(&second["refreshToken"]).await;
    assert_eq!(third.status, 200, "{}", third.text);
    let reuse = world.client.refresh(&first["refreshToken"]).await;
    assert_eq!(reuse.refusal(401, "invalid_grant"), "refresh token already used; family revoked");
}

#[tokio::test]
async fn a_server_that_is_killed_has_written_what_it_answered() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let killed = start(&clock, &path).await;
    let first = killed.client.login().await;
    let second = killed.client.refresh(&first["refreshToken"]).await.json();
    let at_the_kill = fs::read(&path).unwrap();
    killed.server.shutdown().await;
    fs::write(&path, at_the_kill).unwrap();

    let world = start(&clock, &path).await;
    assert_eq!(world.client.refresh(&second["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn a_repeat_after_a_restart_gets_a_new_answer_inside_the_grace_window() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let world = start(&clock, &path).await;
    let first = world.client.login().await;
    let lost = world.client.refresh(&first["refreshToken"]).await.json();
    world.server.shutdown().await;

    let world = start(&clock, &path).await;
    let fresh = world.client.refresh(&first["refreshToken"]).await;
    assert_eq!(fresh.status, 200, "{}", fresh.text);
    assert_ne!(fresh.json()["refreshToken"], lost["refreshToken"]);
    let again = world.client.refresh(&first["refreshToken"]).await;
    assert_eq!(fresh.text, again.text, "from now on it can be repeated as before");
    assert_eq!(world.client.refresh(&fresh.json()["refreshToken"]).await.status, 200);
}

#[tokio::test]
async fn the_file_holds_no_token_and_is_private() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    let world = start(&clock, &path).await;
    let first = world.client.login().await;
    let second = world.client.refresh(&first["refreshToken"]).await.json();
    let repeated = world.client.refresh(&first["refreshToken"]).await.json();
    assert_eq!(second, repeated);
    world.server.shutdown().await;

    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("\"username\":\"demo\""));
    for tokens in [&first, &second] {
        for name in ["accessToken", "refreshToken"] {
            let token = tokens[name].as_str().unwrap();
            assert!(!written.contains(token), "the {name} is in the file");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left behind");
}

#[tokio::test]
async fn a_damaged_file_is_put_aside_and_told() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let path = folder.path().join("devserver.json");
    for (damaged, what) in [
        ("{\"version\": 1, \"signing_key\": \"canary", "cannot be read"),
        ("", "cannot be read"),
        (
            "{\"version\": 2, \"signing_key\": \"canary\", \"families\": {\"families\": {}}}",
            "another version",
        ),
        ("{\"version\": 1, \"signing_key\": \"canary\", \"families\": {\"families\": {}}}", "signing key"),
    ] {
        fs::write(&path, damaged).unwrap();
        let world = start(&clock, &path).await;
        let [notice] = world.server.notices() else { panic!("one notice, for {damaged}") };
        assert!(notice.contains(what) && notice.contains(".damaged"), "{notice}");
        assert!(!notice.contains("canary"), "{notice}");
        assert_eq!(fs::read_to_string(folder.path().join("devserver.json.damaged")).unwrap(), damaged);
        world.client.login().await;
        world.server.shutdown().await;
        assert!(start(&clock, &path).await.server.notices().is_empty());
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("devserver.json");
    let started = World::at(ManualClock::new(), |options| options.state = Some(path.clone())).await;
    let Err(error) = started else { panic!("started") };
    assert!(matches!(&error, StartError::State { path: told, .. } if *told == path));
    assert!(error.to_string().contains("devserver.json"), "{error}");
}

#[tokio::test]
async fn a_file_that_can_no_longer_be_written_is_told_in_the_log_and_signs_nobody_out() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::new());
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let world = start(&clock, &inner.join("devserver.json")).await;
    fs::remove_dir_all(&inner).unwrap();
    world.client.login().await;
    assert!(world.outcome().contains("could not be written"), "{}", world.outcome());
}
