//! Proxies from the environment: asked for what is outward, never for what is on this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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

/// An account at a host that is not there, so that nothing could go out by accident.
fn far_away(desktop: &Desktop) {
    let login = ["--login-url", "https://login.example.test/login"];
    let refresh = ["--refresh-url", "https://login.example.test/refresh"];
    let added = [&["accounts", "add", "far", "--provider", "credentials"], &login[..], &refresh[..]].concat();
    let _ = desktop.latchkey(&added).ends(0);
}

#[test]
fn what_is_outward_is_asked_through_the_proxy_and_its_refusal_is_no_verdict() {
    let (port, asked) = closed_proxy();
    let desktop = Desktop::start(Keychain::Unlocked).with("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    far_away(&desktop);
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

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_around_a_proxy_that_cannot_be_used_and_what_is_on_this_machine_needs_none() {
    for (variable, proxy) in [("HTTPS_PROXY", "htp://127.0.0.1:9"), ("all_proxy", "quic://127.0.0.1:9")] {
        let desktop = Desktop::start(Keychain::Unlocked).with(variable, proxy);
        far_away(&desktop);
        let refused = desktop.sign_in("far", "secret-canary").ends(4);
        let _ = refused.says(&format!("the proxy in {variable} cannot be used")).says("check HTTPS_PROXY");
        let _ = desktop.latchkey(&["doctor"]).ends(1);
        let backend = living(Duration::from_mins(1)).await;
        desktop.add_demo(backend.address().port());
        let _ = desktop.sign_in("demo", "demo").ends(0);
    }
    let excluded = Desktop::start(Keychain::Unlocked)
        .with("HTTPS_PROXY", "htp://127.0.0.1:9")
        .with("NO_PROXY", ".example.test");
    far_away(&excluded);
    let refused = excluded.sign_in("far", "secret-canary").ends(4);
    assert!(!refused.stderr.contains("the proxy in"), "{refused:#?}");
}

#[test]
fn a_socks_proxy_is_asked_for_the_host_by_its_name() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // It lets nobody through (RFC 1928 §6).
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let read = |length: usize| {
            let mut bytes = vec![0; length];
            (&stream).read_exact(&mut bytes).unwrap();
            bytes
        };
        let methods = read(2)[1];
        let _ = read(methods.into());
        (&stream).write_all(&[5, 0]).unwrap();
        let length = read(5)[4];
        let host = String::from_utf8(read(length.into())).unwrap();
        let port = read(2);
        stream.write_all(&[5, 2, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
        (host, u16::from_be_bytes([port[0], port[1]]))
    });
    let desktop = Desktop::start(Keychain::Unlocked).with("ALL_PROXY", format!("socks5h://127.0.0.1:{port}"));
    far_away(&desktop);
    let refused = desktop.sign_in("far", "secret-canary").ends(4);
    assert_eq!(asked.join().unwrap(), ("login.example.test".to_owned(), 443));
    let _ = refused.says(&format!("the proxy 127.0.0.1:{port} gives no way to it"));
}
