//! Proxies from the environment: asked for what is outward, never for what is on this machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};

use crate::backend::living;

/// A proxy that takes down what it is asked for and lets nobody through (RFC 9110 §15.5.8).
fn closed_proxy() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut first = String::new();
            let _ = BufReader::new(&stream).read_line(&mut first);
            let _ =
                stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
            if tell.send(first.trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_this_machine_is_never_asked_through_a_proxy() {
    let (port, asked) = closed_proxy();
    let proxy = format!("http://127.0.0.1:{port}");
    let desktop = Desktop::start(Keychain::Unlocked)
        .with("HTTP_PROXY", &proxy)
        .with("http_proxy", &proxy)
        .with("ALL_PROXY", &proxy);
    let backend = living(Duration::from_mins(1)).await;
    desktop.add_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let _ = desktop.latchkey(&["renew", "demo"]).ends(0);
    let _ = desktop.latchkey(&["sign-out", "demo"]).ends(0);
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}

#[test]
fn what_is_outward_is_asked_through_the_proxy_and_its_refusal_is_no_verdict() {
    let (port, asked) = closed_proxy();
    let desktop = Desktop::start(Keychain::Unlocked).with("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    let login = ["--login-url", "https://login.example.test/login"];
    let refresh = ["--refresh-url", "https://login.example.test/refresh"];
    let added = [&["accounts", "add", "far", "--provider", "credentials"], &login[..], &refresh[..]].concat();
    let _ = desktop.latchkey(&added).ends(0);
    let refused = desktop.sign_in("far", "secret-canary");
    assert_ne!(refused.code, Some(3), "a proxy says nothing of a session: {refused:#?}");
    assert_eq!(refused.code, Some(4), "{refused:#?}");
    assert_eq!(asked.recv().unwrap(), "CONNECT login.example.test:443 HTTP/1.1");
    assert!(!refused.stderr.contains("secret-canary"));
    // The address is right, and so is the network.
    let refused =
        refused.says(&format!("the proxy 127.0.0.1:{port} gives no way to it: it wants a user name"));
    let _ = refused.says("check HTTPS_PROXY");
}
