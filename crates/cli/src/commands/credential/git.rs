//! As git's credential helper (gitcredentials(7), git-credential(1)): lines of `key=value` in and out.

use latchkey_engine::config::{AccountConfig, may_carry_tokens};
use zeroize::Zeroizing;

use super::{not_in_the_clear, owner, question};
use crate::args::{GitAction, GitHelper};
use crate::failure::Failure;
use crate::hand_out::{plain_token, refused};
use crate::output;
use crate::render::token as form;
use crate::session::Desk;

pub(super) async fn run(args: &GitHelper) -> Result<(), Failure> {
    let text = question()?;
    let asked = Question::read(&text);
    match args.action {
        GitAction::Get => get(args, &asked).await,
        GitAction::Erase => erase(args, &asked).await,
        // What is asked for is kept in the vault already.
        GitAction::Store | GitAction::Other => Ok(()),
    }
}

async fn get(args: &GitHelper, asked: &Question<'_>) -> Result<(), Failure> {
    let desk = Desk::open()?;
    // Nothing said is "ask the next helper, or the person".
    let Some(account) = whose(&desk, args, asked)? else { return Ok(()) };
    if !may_carry_tokens(asked.protocol, asked.host) {
        return Err(not_in_the_clear());
    }
    match plain_token(&desk, account).await {
        Ok(token) if asked.takes_bearer() => output::draw(&form::git_bearer(&token)),
        Ok(token) => output::draw(&form::git(&token, asked.user.unwrap_or(account.hosts.user()))),
        Err(failure) => {
            // Nobody can type what Latchkey has not got: git stops here rather than asking for a password.
            output::value("quit=1")?;
            Err(failure)
        }
    }
}

/// The server did not take what git was given. If that is the token in hand, it is replaced.
async fn erase(args: &GitHelper, asked: &Question<'_>) -> Result<(), Failure> {
    let desk = Desk::open()?;
    match (whose(&desk, args, asked)?, &asked.secret) {
        (Some(account), Some(secret)) => refused(&desk, account, secret).await,
        (Some(_), None) | (None, _) => Ok(()),
    }
}

fn whose<'a>(
    desk: &'a Desk,
    args: &GitHelper,
    asked: &Question<'_>,
) -> Result<Option<&'a AccountConfig>, Failure> {
    // Git takes escapes out of it. Whoever connects may read `localhost/.evil.test` otherwise than as a host and a path.
    if asked.host.contains(['/', '\\', '?', '#', '@']) {
        return Ok(None);
    }
    if let Some(name) = &args.account {
        return desk.account(name).map(Some);
    }
    let plain = match asked.protocol {
        "https" => false,
        "http" => true,
        _ => return Ok(None),
    };
    owner(desk, &format!("{}/{}", asked.host, asked.path), plain)
}

/// What git says of the credential it wants or had.
#[derive(Default)]
struct Question<'a> {
    protocol: &'a str,
    /// With its port, if it has one.
    host: &'a str,
    /// Only where `credential.useHttpPath` is set.
    path: &'a str,
    user: Option<&'a str>,
    secret: Option<Zeroizing<String>>,
    /// Whether git takes a whole header (2.46 and newer).
    authtype: bool,
    /// Whether the server said that it takes Bearer tokens (RFC 6750 §3).
    bearer: bool,
}

impl<'a> Question<'a> {
    fn read(text: &'a str) -> Self {
        let mut asked = Self::default();
        for (key, value) in
            text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once('='))
        {
            match key {
                "protocol" => asked.protocol = value,
                "host" => asked.host = value,
                "path" => asked.path = value,
                "username" => asked.user = Some(value).filter(|user| !user.is_empty()),
                "password" | "credential" => asked.secret = Some(Zeroizing::new(value.to_owned())),
                "capability[]" => asked.authtype |= value == "authtype",
                "wwwauth[]" => {
                    let scheme = value.split([' ', ',']).next().unwrap_or_default();
                    asked.bearer |= scheme.eq_ignore_ascii_case("bearer");
                }
                // What comes later means nothing to helpers of today.
                _ => {}
            }
        }
        asked
    }

    /// Whether a whole header is better than a password: it is only where server and git both say so.
    fn takes_bearer(&self) -> bool {
        self.authtype && self.bearer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_read_and_what_it_may_say_one_day_is_let_be() {
        let asked = Question::read(
            "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.test:8443\npath=team/app.git\n\
             username=me\nwwwauth[]=Basic realm=\"x\"\nwwwauth[]=bearer realm=\"y\"\nnew[]=thing\nodd line\n\nhost=other\n",
        );
        assert_eq!((asked.protocol, asked.host, asked.path), ("https", "git.test:8443", "team/app.git"));
        assert_eq!(asked.user, Some("me"));
        assert!(asked.takes_bearer() && asked.secret.is_none());
    }

    #[test]
    fn a_header_is_given_only_where_both_sides_take_one() {
        for (said, takes) in [
            ("wwwauth[]=Bearer realm=\"x\"", false),
            ("capability[]=authtype", false),
            ("capability[]=authtype\nwwwauth[]=Basic realm=\"Bearer\"", false),
            ("capability[]=authtype\nwwwauth[]=Bearer", true),
        ] {
            assert_eq!(Question::read(said).takes_bearer(), takes, "{said}");
        }
    }
}
