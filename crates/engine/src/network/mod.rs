//! The network as renewals see it: whether it changed, and whether a host answers.
//!
//! After a wake or a change a renewal waits until the token host answers, so that a network which is not up yet is
//! no failure. What differs by platform is who tells of changes; it stands in `linux.rs`. Elsewhere nobody does, and
//! a wake is noticed by the clock alone.

#[cfg(target_os = "linux")]
mod linux;
mod manual;

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use hyper_util::client::proxy::matcher::Matcher;
use jiff::SignedDuration;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::config::is_loopback;
use crate::ports::{Clock, Network};

pub use manual::ManualNetwork;

/// How long a host may take to answer.
const ANSWERS_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// How long a change is given to come to an end: one of Wi-Fi is a dozen.
#[cfg(target_os = "linux")]
const CALM: SignedDuration = SignedDuration::from_secs(1);

/// Hosts that are nobody's, each beyond every network of one's own (RFC 5737 §3, RFC 3849 §2). Nothing is sent to them.
const ANYWHERE_4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const ANYWHERE_6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// This machine's network.
pub struct SystemNetwork {
    clock: Arc<dyn Clock>,
    proxies: Matcher,
}

impl SystemNetwork {
    /// Nothing is opened before somebody asks.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, proxies: Matcher::from_system() }
    }

    /// Who is to answer for an address: its host, or the proxy it is asked through. The same rules as for the
    /// requests themselves.
    fn asked(&self, url: &Url) -> Option<(String, u16)> {
        let host = || Some((bare(url.host_str()?), url.port_or_known_default()?));
        proxy_among(&self.proxies, url).or_else(host)
    }
}

/// The proxy through which an address is asked, by its host and port; none where it is asked directly.
pub(crate) fn proxy_for(url: &Url) -> Option<(String, u16)> {
    proxy_among(&PROXIES.used, url)
}

/// The variable that is to name the proxy for an address, and names none that can be used: a request would go around it.
pub(crate) fn unusable_proxy(url: &Url) -> Option<&'static str> {
    let (variable, any) = PROXIES.meant.as_ref()?;
    (proxy_for(url).is_none() && proxy_among(any, url).is_some()).then_some(*variable)
}

/// Read once, as the clients of requests do that go through them.
static PROXIES: LazyLock<Proxies> = LazyLock::new(Proxies::of_this_process);

/// The proxies of this process.
struct Proxies {
    used: Matcher,
    /// The variable that is to name one for outward addresses, where one is set, and a proxy for all that are not excluded.
    meant: Option<(&'static str, Matcher)>,
}

impl Proxies {
    fn of_this_process() -> Self {
        // As the proxy rules read them.
        let first =
            |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, env::var(name).ok()?)));
        let set = |names| first(names).filter(|(_, value)| !value.is_empty());
        let variable = set(["HTTPS_PROXY", "https_proxy"]).or_else(|| set(["ALL_PROXY", "all_proxy"]));
        let without = first(["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, hosts)| hosts);
        let any = || Matcher::builder().https("http://localhost:9").no(without).build();
        Self { used: Matcher::from_system(), meant: variable.map(|(name, _)| (name, any())) }
    }
}

fn proxy_among(proxies: &Matcher, url: &Url) -> Option<(String, u16)> {
    let asked = url.as_str().parse().ok().filter(|_| !is_loopback(url))?;
    let proxy = proxies.intercept(&asked)?;
    let uri = proxy.uri();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    Some((bare(uri.host()?), port))
}

/// A host as the resolver wants it: an IPv6 address stands in brackets in addresses of the web only.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// Whether the system knows a way there: connecting a datagram socket looks that up, and sends nothing.
fn routed(to: SocketAddr) -> bool {
    let any =
        if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect(to).is_ok())
}

#[async_trait]
impl Network for SystemNetwork {
    fn changes(&self) -> watch::Receiver<u64> {
        let (tell, told) = watch::channel(0);
        #[cfg(target_os = "linux")]
        if let Ok(socket) = linux::listen() {
            let clock = self.clock.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = tell.closed() => {}
                    () = linux::pass_on(&socket, &tell, &*clock) => {}
                }
            });
        }
        #[cfg(not(target_os = "linux"))]
        drop(tell);
        told
    }

    fn leads_out(&self, url: &Url) -> bool {
        !is_loopback(url) && (routed(ANYWHERE_4) || routed(ANYWHERE_6))
    }

    async fn answers(&self, url: &Url) -> bool {
        if unusable_proxy(url).is_some() {
            // Nothing is sent, and the request itself says why.
            return true;
        }
        let Some(asked) = self.asked(url) else { return false };
        let latest = self.clock.now().boot.saturating_add(ANSWERS_WITHIN);
        tokio::select! {
            connected = TcpStream::connect(asked) => connected.is_ok(),
            () = self.clock.sleep_until(latest) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn network(proxies: Matcher) -> SystemNetwork {
        let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
        SystemNetwork { clock: Arc::new(clock), proxies }
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_host_answers_where_something_listens_and_nothing_is_sent_to_it() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let there = url(&format!("http://127.0.0.1:{}/token", listener.local_addr().unwrap().port()));
        let network = network(Matcher::builder().build());
        assert!(network.answers(&there).await);
        let (mut asked, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut asked, &mut read).await.unwrap();
        assert!(read.is_empty());
        drop((asked, listener));
        assert!(!network.answers(&there).await);
    }

    #[test]
    fn looking_for_a_route_costs_no_packet_and_this_machine_needs_none() {
        let network = network(Matcher::builder().build());
        assert!(!network.leads_out(&url("http://127.0.0.1:9/token")));
        assert_eq!(
            network.leads_out(&url("https://issuer.example/token")),
            routed(ANYWHERE_4) || routed(ANYWHERE_6)
        );
        assert!(routed((Ipv4Addr::LOCALHOST, 9).into()), "there is always a way to oneself");
    }

    #[test]
    fn where_a_proxy_is_used_it_is_asked_and_never_for_this_machine() {
        let proxied =
            network(Matcher::builder().https("http://proxy.example:3128").no("near.example").build());
        let asked = |text: &str| proxied.asked(&url(text)).unwrap();
        assert_eq!(asked("https://issuer.example/token"), ("proxy.example".to_owned(), 3128));
        assert_eq!(asked("https://near.example/token"), ("near.example".to_owned(), 443));
        assert_eq!(asked("https://127.0.0.1:9/token"), ("127.0.0.1".to_owned(), 9));
        let direct = network(Matcher::builder().build());
        assert_eq!(direct.asked(&url("https://[::1]/t")).unwrap(), ("::1".to_owned(), 443));
        assert_eq!(direct.asked(&url("http://issuer.example/t")).unwrap(), ("issuer.example".to_owned(), 80));
    }
}
