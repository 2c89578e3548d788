//! A refresh token goes to the host that issued it. Where metadata or the account lead to another, the person decides by
//! signing in again (docs/decisions/0015).

use latchkey_core::disposition::Failure;
use latchkey_core::text;
use reqwest::Url;

use crate::vault::Envelope;

/// A host with its port: what a refresh token is bound to.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Whether the tokens were issued by this host. Those of which it is not known may go there.
pub(super) fn is_of(held: &Envelope, host: Option<&str>) -> bool {
    held.token_host.is_none() || held.token_host.as_deref() == host
}

/// Refuses to send the refresh token to this host when another issued it; `place` is what leads there.
pub(super) fn pinned(held: &Envelope, host: Option<&str>, place: &str) -> Result<(), Failure> {
    match (&held.token_host, host) {
        (Some(issued_by), Some(now)) if issued_by != now => Err(Failure::Misfit {
            why: format!(
                "its {place} has moved from `{}` to `{}`; sign in again if that is right",
                text::foreign(issued_by),
                text::foreign(now)
            ),
        }),
        (Some(_) | None, _) => Ok(()),
    }
}
