//! Who may pass: asked by its own name, by no web page of another site, with the secret of this run.

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::answers::Refusal;

/// The header in which the secret may stand; its other place is the path's first segment.
pub(super) const SECRET_HEADER: HeaderName = HeaderName::from_static("x-latchkey-proxy");
/// What browsers say of where a request comes from (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Methods whose answer is the request with all its headers (RFC 9110 §9.3.8), and what IIS calls it.
const ECHOES: [&str; 2] = ["TRACE", "TRACK"];

/// What is asked of everybody.
pub(super) struct Gate {
    /// The names that this listener is called by, with the port.
    names: Vec<String>,
    /// What must be known, unless everybody may pass.
    secret: Option<String>,
}

/// How somebody came in, and what is left of the path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted<'a> {
    /// The path for the upstream, with its slash.
    pub(super) path: &'a str,
    /// What stood before it, to be put before the addresses in the answer.
    pub(super) prefix: &'a str,
}

impl Gate {
    pub(super) fn new(address: std::net::SocketAddr, secret: Option<String>) -> Self {
        let port = address.port();
        let mut names = vec![address.to_string(), format!("localhost:{port}")];
        // The usual port is left out of a name (RFC 9110 §4.2.1).
        if port == 80 {
            names.extend(["localhost".to_owned(), address.to_string().trim_end_matches(":80").to_owned()]);
        }
        Self { names, secret }
    }

    /// Where it is reached, with a slash at the end.
    pub(super) fn base_url(&self) -> String {
        let secret = self.secret.as_ref().map_or_else(String::new, |secret| format!("{secret}/"));
        format!("{}/{secret}", self.origin())
    }

    /// The same without the secret, and without the slash.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.names.first().map_or("", String::as_str))
    }

    /// Lets a request pass, or says why not.
    pub(super) fn admit<'a>(&self, request: &'a Parts) -> Result<Admitted<'a>, Refusal> {
        if request.method == Method::CONNECT || request.uri.authority().is_some() {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "not_a_forward_proxy",
                "this leads to one upstream only: ask for a path, not for another address",
            ));
        }
        if ECHOES.iter().any(|echo| request.method.as_str().eq_ignore_ascii_case(echo)) {
            return Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "would_show_the_token",
                "this method asks for the request as it arrives, and the token stands in that: it is not passed on",
            ));
        }
        self.check_host(&request.headers)?;
        self.check_origin(&request.headers)?;
        self.check_secret(request)
    }

    /// A name of somebody else's that leads here is DNS rebinding.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut said = headers.get_all(HOST).iter();
        let (Some(host), None) = (said.next().and_then(|host| host.to_str().ok()), said.next()) else {
            return Err(Refusal::bad_request("a request names its host once"));
        };
        if self.names.iter().any(|name| name.eq_ignore_ascii_case(host)) {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", "this proxy has another name"))
    }

    /// Web pages of other sites can send requests here, though not read what they bring.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let own = |origin: &str| {
            origin
                .strip_prefix("http://")
                .is_some_and(|host| self.names.iter().any(|name| name.eq_ignore_ascii_case(host)))
        };
        let site = |site: &str| matches!(site, "none" | "same-origin");
        let all = |name: HeaderName, fine: &dyn Fn(&str) -> bool| {
            headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(fine))
        };
        if all(ORIGIN, &own) && all(FETCH_SITE, &site) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "a web page of another site asked: it gets nothing",
        ))
    }

    fn check_secret<'a>(&self, request: &'a Parts) -> Result<Admitted<'a>, Refusal> {
        let path = request.uri.path();
        let Some(secret) = &self.secret else { return Ok(Admitted { path, prefix: "" }) };
        if let Some(said) = request.headers.get(SECRET_HEADER) {
            return if same(said.as_bytes(), secret) {
                Ok(Admitted { path, prefix: "" })
            } else {
                Err(wrong_secret())
            };
        }
        let first = path.strip_prefix('/').unwrap_or_default();
        let (said, _) = first.split_once('/').unwrap_or((first, ""));
        if !same(said.as_bytes(), secret) {
            return Err(wrong_secret());
        }
        let (prefix, rest) = path.split_at_checked(1 + said.len()).ok_or_else(wrong_secret)?;
        Ok(Admitted { path: if rest.is_empty() { "/" } else { rest }, prefix })
    }

    /// An address of this proxy's own, less what leads to the secret: none of it is the upstream's business.
    pub(super) fn is_own_address(&self, address: &str) -> bool {
        address.strip_prefix("http://").is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
        })
    }
}

fn wrong_secret() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "wrong_secret",
        "the secret of this run is missing or wrong: use the address that the proxy printed, or send it as X-Latchkey-Proxy",
    )
}

/// Compares in a time that tells nothing of where two texts differ.
fn same(said: &[u8], secret: &str) -> bool {
    let differing =
        said.iter().zip(secret.as_bytes()).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    said.len() == secret.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdefghijkl";

    fn gate(secret: Option<&str>) -> Gate {
        Gate::new("127.0.0.1:4190".parse().unwrap(), secret.map(str::to_owned))
    }

    /// What becomes of a request: path and prefix, or the code of the refusal.
    fn outcome(gate: &Gate, method: &str, target: &str, headers: &[(&'static str, &str)]) -> String {
        let mut request = hyper::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match gate.admit(&parts) {
            Ok(admitted) => format!("{} after {:?}", admitted.path, admitted.prefix),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:4190");

    #[test]
    fn only_its_own_names_are_answered_to() {
        let gate = gate(None);
        for (host, answer) in [
            ("127.0.0.1:4190", "/x after \"\""),
            ("LOCALHOST:4190", "/x after \"\""),
            ("rebound.example.com:4190", "wrong_host"),
            ("127.0.0.1", "wrong_host"),
            ("127.0.0.1:4190.example.com", "wrong_host"),
            ("", "wrong_host"),
        ] {
            assert_eq!(outcome(&gate, "GET", "/x", &[("host", host)]), answer, "{host}");
        }
        assert_eq!(outcome(&gate, "GET", "/x", &[]), "bad_request");
        assert_eq!(outcome(&gate, "GET", "/x", &[HERE, HERE]), "bad_request");
        assert_eq!(outcome(&gate, "GET", "http://127.0.0.1:4190/x", &[HERE]), "not_a_forward_proxy");
        assert_eq!(outcome(&gate, "CONNECT", "example.com:443", &[HERE]), "not_a_forward_proxy");
    }

    #[test]
    fn pages_of_other_sites_do_not_pass_even_where_everybody_may() {
        let gate = gate(None);
        for (name, value, passes) in [
            ("origin", "http://127.0.0.1:4190", true),
            ("origin", "http://localhost:4190", true),
            ("origin", "https://127.0.0.1:4190", false),
            ("origin", "http://127.0.0.1:4191", false),
            ("origin", "https://evil.example.com", false),
            ("origin", "null", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "none", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
        ] {
            let answer = outcome(&gate, "GET", "/x", &[HERE, (name, value)]);
            assert_eq!(answer != "cross_site", passes, "{name}: {value}");
        }
    }

    #[test]
    fn the_secret_stands_first_in_the_path_or_in_a_header() {
        let gate = gate(Some(SECRET));
        let at = |path: &str| outcome(&gate, "GET", path, &[HERE]);
        assert_eq!(at("/0123456789abcdefghijkl/a/b?c"), "/a/b after \"/0123456789abcdefghijkl\"");
        assert_eq!(at("/0123456789abcdefghijkl"), "/ after \"/0123456789abcdefghijkl\"");
        for wrong in [
            "/",
            "/a",
            "/0123456789abcdefghijkX/a",
            "/0123456789abcdefghijklm/a",
            "//0123456789abcdefghijkl/a",
        ] {
            assert_eq!(at(wrong), "wrong_secret", "{wrong}");
        }
        let with = |secret: &str| outcome(&gate, "GET", "/a", &[HERE, ("x-latchkey-proxy", secret)]);
        assert_eq!(with(SECRET), "/a after \"\"");
        assert_eq!(with("0"), "wrong_secret");
        assert_eq!(gate.base_url(), "http://127.0.0.1:4190/0123456789abcdefghijkl/");
    }
}
