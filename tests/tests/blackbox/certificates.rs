//! A certificate that does not hold says nothing of the session: no token leaves, and the renewal waits.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use latchkey_devserver::{DevServer, LabProxy, ProxyOptions};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::{Done, Running};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::backend::{REFRESH, asked, living};

/// A desktop whose account speaks to a backend over TLS, and the authority it trusts for it.
struct OverTls {
    desktop: Desktop,
    backend: DevServer,
    authority: PathBuf,
    way: watch::Sender<String>,
}

/// Before the backend, with TLS.
async fn proxy(backend: &DevServer, lapsed: bool) -> LabProxy {
    let (listen, upstream) = ("127.0.0.1:0".parse().unwrap(), backend.url().parse().unwrap());
    LabProxy::start(ProxyOptions { listen, tls: true, lapsed, ..ProxyOptions::before(upstream) })
        .await
        .unwrap()
}

/// An address from which each connection is passed on to where `way` leads then.
async fn front(way: watch::Receiver<String>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let there = way.borrow().clone();
            let mut far = TcpStream::connect(there).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    address
}

fn address_of(proxy: &LabProxy) -> String {
    proxy.url().strip_prefix("https://").unwrap().to_owned()
}

impl OverTls {
    /// Somebody is signed in, by way of this proxy.
    async fn signed_in() -> (Self, LabProxy) {
        let backend = living(Duration::from_mins(10)).await;
        let proxy = proxy(&backend, false).await;
        let way = watch::Sender::new(address_of(&proxy));
        let address = front(way.subscribe()).await;
        let desktop = Desktop::start(Keychain::Unlocked);
        let authority = desktop.path("home").join("authority.pem");
        let over = Self { desktop, backend, authority, way };
        over.trusts(&proxy);
        let url = |path: &str| format!("https://{address}{path}");
        let (login, refresh) = (url("/auth/login"), url(REFRESH));
        let words =
            ["accounts", "add", "demo", "--provider", "credentials", "--login-url", &login, "--refresh-url"];
        let _ = over.desktop.latchkey(&[&words[..], &[refresh.as_str()]].concat()).ends(0);
        let sign_in = ["sign-in", "demo", "--username", "demo", "--password-stdin"];
        let _ = over.with_authority(&sign_in, "demo").ends(0);
        (over, proxy)
    }

    fn trusts(&self, proxy: &LabProxy) {
        fs::write(&self.authority, proxy.authority().unwrap()).unwrap();
    }

    fn with_authority(&self, words: &[&str], stdin: &str) -> Done {
        let mut command = self.desktop.latchkey_command(words);
        command.env("SSL_CERT_FILE", &self.authority);
        Running::start(command, stdin).done()
    }

    /// A renewal does not get through, and says why; nothing has left.
    #[track_caller]
    fn is_waited_out(&self, renewal: impl Fn() -> Done, words: &str) {
        let before = asked(&self.backend, REFRESH);
        let refused = renewal();
        assert!(matches!(refused.code, Some(1 | 4)), "{refused:#?}");
        assert!(refused.stderr.contains(words), "{refused:#?}");
        assert_eq!(asked(&self.backend, REFRESH), before, "the token left all the same");
        assert_eq!(self.desktop.status("demo")["state"], "signed_in");
    }

    /// The same session goes on.
    #[track_caller]
    fn goes_on(&self) {
        let renewed = self.with_authority(&["renew", "demo", "--json"], "").ends(0);
        assert_eq!(renewed.json()["generation"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_waited_out() {
    let (over, _proxy) = OverTls::signed_in().await;
    // Somebody stands between with a certificate of their own: the authority is not among those of this machine.
    over.is_waited_out(|| over.desktop.latchkey(&["renew", "demo"]), "no authority that this machine trusts");
    // Who signs in there is told what to do: the address is right.
    let refused = over.desktop.sign_in("demo", "demo").ends(4).says("system's store");
    assert!(!refused.stderr.contains("address"), "{refused:#?}");
    over.goes_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_ended_is_waited_out() {
    let (over, before) = OverTls::signed_in().await;
    let ended = proxy(&over.backend, true).await;
    over.way.send_replace(address_of(&ended));
    over.trusts(&ended);
    over.is_waited_out(|| over.with_authority(&["renew", "demo"], ""), "its certificate has ended");
    over.way.send_replace(address_of(&before));
    over.trusts(&before);
    over.goes_on();
}
