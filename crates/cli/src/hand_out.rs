//! A valid access token, from the agent where one runs, and otherwise from the vault under the renewal lock.

use jiff::{SignedDuration, Timestamp};
use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::{TokenAnswer, TokenQuestion};
use latchkey_core::time::Stamp;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::ports::Clock as _;
use latchkey_engine::provider::nextauth::SESSION_COOKIE;
use latchkey_engine::{IssuedToken, TokenRequest, fingerprint_key};
use zeroize::Zeroizing;

use crate::agent;
use crate::failure::Failure;
use crate::session::{Desk, told, with};

/// How long a token must stay valid if nobody says.
pub(crate) const MIN_VALID: SignedDuration = SignedDuration::from_secs(30);
/// How long a program waits for one that cannot say how long.
pub(crate) const WAIT: SignedDuration = SignedDuration::from_secs(10);

/// A token, whoever handed it out.
pub(crate) struct Given {
    pub(crate) access: Zeroizing<String>,
    pub(crate) token_type: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) falls_short: bool,
    pub(crate) min_valid_capped: bool,
}

/// A token as it is asked for.
pub(crate) async fn token(
    desk: &Desk,
    account: &AccountConfig,
    request: TokenRequest,
) -> Result<Given, Failure> {
    if let Some(token) = from_agent(desk, account, request)? {
        return Ok(token);
    }
    let (token, ends) = with(desk, vec![account], async |open| {
        let token = told(open.engine.token(&account.name, request).await, account).map(Given::from)?;
        let ends = Stamp::from_wall(token.expires_at, desk.clock.now());
        Ok((token, ends))
    })
    .await?;
    unended(token, ends, desk.clock.now())
}

/// A token that has not ended meanwhile. What this process had begun (to store that a token was refused, behind another process
/// that waits for its answer) may have taken longer to finish than the token lasted.
fn unended(token: Given, ends: Stamp, now: Stamp) -> Result<Given, Failure> {
    if ends.passed(now) {
        return Err(Failure::failed("the access token ended before it could be handed out")
            .hint("ask again; `latchkey status` says what becomes of the session"));
    }
    Ok(token)
}

/// A token that anybody may use who has it. One that is bound to a key is of no use without (RFC 9449 §7.1).
pub(crate) async fn plain_token(desk: &Desk, account: &AccountConfig) -> Result<Given, Failure> {
    let token = token(desk, account, TokenRequest { min_valid: MIN_VALID, wait: WAIT }).await?;
    if token.is_bound() {
        return Err(Failure::failed(bound(account)).hint("`latchkey proxy` can use it for other programs"));
    }
    Ok(token)
}

/// A server refused this token. If it is still the one in hand, it is replaced, so that the next who asks gets another.
pub(crate) async fn refused(desk: &Desk, account: &AccountConfig, token: &str) -> Result<(), Failure> {
    let rejected = fingerprint_key::load_or_create(&desk.paths)?.key.of(token);
    if agent::replaced(desk, account, rejected)? {
        return Ok(());
    }
    with(desk, vec![account], async |open| {
        told(open.engine.replace_rejected(&account.name, rejected).await, account).map(drop)
    })
    .await
}

/// The token from a running agent; none where there is no agent, or one that does not know the account yet.
fn from_agent(desk: &Desk, account: &AccountConfig, request: TokenRequest) -> Result<Option<Given>, Failure> {
    let seconds = |duration: SignedDuration| u64::try_from(duration.as_secs()).unwrap_or_default();
    let question =
        TokenQuestion { min_valid: Some(seconds(request.min_valid)), wait: Some(seconds(request.wait)) };
    match agent::answered(Client::new(&desk.paths.runtime_dir).token(account.name.as_str(), question)) {
        Ok(answer) => answer.map(Given::try_from).transpose(),
        Err(why) => Err(Failure::from_agent(why, &account.name)),
    }
}

impl Given {
    /// How it is sent. Servers say `bearer` in many ways; some resource servers know only one (RFC 6750 §2.1,
    /// RFC 9449 §7.1).
    pub(crate) fn scheme(&self) -> &str {
        // What NextAuth's `getToken` takes in a header where no cookie comes along.
        if self.token_type == SESSION_COOKIE {
            return "Bearer";
        }
        let known = ["Bearer", "DPoP"].into_iter().find(|known| self.token_type.eq_ignore_ascii_case(known));
        known.unwrap_or(&self.token_type)
    }

    /// Whether it is of no use without a key.
    pub(crate) fn is_bound(&self) -> bool {
        self.scheme() == "DPoP"
    }
}

/// What whoever takes a bound token should know: without the key it opens nothing (RFC 9449 §7.1).
pub(crate) fn bound(account: &AccountConfig) -> String {
    format!(
        "this token is bound to a key that only Latchkey has (DPoP), so other programs cannot use it; where the server \
         takes plain tokens too, set `dpop = \"never\"` for `{}` and sign in again",
        account.name
    )
}

impl From<IssuedToken> for Given {
    fn from(token: IssuedToken) -> Self {
        Self {
            access: Zeroizing::new(token.access.expose().to_owned()),
            token_type: token.token_type.unwrap_or_else(|| "Bearer".to_owned()),
            expires_at: token.expires_at,
            falls_short: token.falls_short,
            min_valid_capped: token.min_valid_capped,
        }
    }
}

impl TryFrom<TokenAnswer> for Given {
    type Error = Failure;

    fn try_from(answer: TokenAnswer) -> Result<Self, Failure> {
        let unreadable = |_| Failure::failed(ClientError::Unreadable.to_string());
        Ok(Self {
            expires_at: answer.expires_at.parse().map_err(unreadable)?,
            access: Zeroizing::new(answer.access_token),
            token_type: answer.token_type,
            falls_short: answer.falls_short,
            min_valid_capped: answer.min_valid_capped,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A token of this type that expires at noon.
    pub(crate) fn given(token_type: &str) -> Given {
        Given {
            access: Zeroizing::new("abc".to_owned()),
            token_type: token_type.to_owned(),
            expires_at: "2026-11-20T12:00:00.5Z".parse().unwrap(),
            falls_short: false,
            min_valid_capped: false,
        }
    }

    #[test]
    fn a_scheme_is_written_as_resource_servers_know_it() {
        for (said, written) in [("bearer", "Bearer"), ("BEARER", "Bearer"), ("dpop", "DPoP"), ("mac", "mac")]
        {
            assert_eq!(given(said).scheme(), written);
        }
    }

    #[test]
    fn a_token_that_ends_while_this_process_does_is_not_handed_out() {
        let given = || Given {
            access: Zeroizing::new("a".to_owned()),
            token_type: "Bearer".to_owned(),
            expires_at: Timestamp::UNIX_EPOCH,
            falls_short: true,
            min_valid_capped: false,
        };
        let zero = Stamp { wall: Timestamp::UNIX_EPOCH, boot: SignedDuration::ZERO };
        let at = |secs| zero.plus(SignedDuration::from_secs(secs));
        assert!(unended(given(), at(12), at(11)).is_ok());
        let refused = unended(given(), at(12), at(30)).err().unwrap();
        assert!(refused.message.is_some_and(|message| message.contains("ended before")));
    }
}
