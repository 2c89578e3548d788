//! What an authorization server can do.

use std::fmt::Write as _;

use latchkey_engine::provider::oauth::ServerDescription;

/// How many scopes are named.
const NAMED: usize = 12;

/// A block of lines for a person.
pub(crate) fn lines(server: &ServerDescription) -> String {
    let mut lines = match &server.issuer {
        Some(issuer) => format!("{issuer} can:\n"),
        None => "The server can, as the account says:\n".to_owned(),
    };
    let mut line = |label: &str, text: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(lines, "  {label:<16}{text}");
    };
    line(
        "sign in",
        match (server.browser, server.device) {
            (true, true) => "with the browser, and with a code on any device (--device)",
            (true, false) => "with the browser",
            (false, true) => "with a code on any device (--device)",
            (false, false) => "nobody: it names neither a page nor codes",
        },
    );
    let yes_or_no = |can: bool| if can { "yes" } else { "no" };
    line(
        "sign out",
        match (server.revocation, server.end_session) {
            (true, true) => "revokes tokens, and can end the session there (--end-session)",
            (true, false) => "revokes tokens",
            (false, true) => "can end the session there (--end-session)",
            (false, false) => "here only: it is not told",
        },
    );
    line("PKCE", if server.pkce { "announced (S256)" } else { "not announced; sent all the same" });
    line("DPoP", yes_or_no(server.dpop));
    line("PAR", yes_or_no(server.pushed_requests));
    line("user info", yes_or_no(server.user_info));
    if !server.scopes.is_empty() {
        let named: Vec<_> = server.scopes.iter().take(NAMED).map(String::as_str).collect();
        let more = server.scopes.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        line("scopes", &format!("{}{more}", named.join(", ")));
    }
    line("redirect URI", &format!("{} (the server must know it)", server.redirect_uri));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerDescription {
        ServerDescription {
            issuer: Some("https://login.example.com".to_owned()),
            browser: true,
            device: true,
            pkce: true,
            pushed_requests: false,
            dpop: true,
            revocation: true,
            end_session: true,
            user_info: true,
            scopes: ["openid", "email"].map(str::to_owned).into(),
            algorithms: vec!["RS256".to_owned()],
            redirect_uri: "http://127.0.0.1/callback".to_owned(),
        }
    }

    #[test]
    fn a_server_is_described_in_words() {
        insta::assert_snapshot!(lines(&server()));
    }

    #[test]
    fn one_that_can_little_says_so() {
        let scopes = (0..14).map(|number| format!("s{number}")).collect();
        let (issuer, revocation, end_session, pkce) = (None, false, false, false);
        insta::assert_snapshot!(lines(&ServerDescription {
            issuer,
            revocation,
            end_session,
            pkce,
            scopes,
            browser: false,
            ..server()
        }));
    }
}
