//! Signing in on the provider's own page: says what the person has to do, and waits for them.

use jiff::SignedDuration;
use latchkey_engine::EngineError;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::sign_in::SignIn as How;
use latchkey_engine::snapshot::{SessionStatus, SignInPrompt};

use crate::args::{Qr, SignIn};
use crate::failure::Failure;
use crate::output::{self, LiveLine};
use crate::render::sign_in::{Told, ends, picture, told as told_of, waiting};
use crate::session::{Open, told};

/// How often the time left is drawn.
const REDRAW: SignedDuration = SignedDuration::from_secs(1);

/// Ends when the person is done, or when their time is over.
pub(super) async fn sign_in(
    open: &Open<'_>,
    account: &AccountConfig,
    args: &SignIn,
) -> Result<SessionStatus, Failure> {
    let how = if args.device { How::Device } else { How::Browser };
    let mut sessions = open.engine.watch();
    let mut signing_in = std::pin::pin!(open.engine.sign_in(&account.name, how));
    let (mut shown, mut line) = (None, LiveLine::default());
    loop {
        let session = sessions.borrow_and_update().get(&account.name).cloned();
        let prompt = session.and_then(|session| session.sign_in.clone());
        if let Some(prompt) = prompt.as_ref().filter(|prompt| shown.as_ref() != Some(*prompt)) {
            line = LiveLine::default();
            show(prompt, account, args)?;
            if !output::stderr_is_terminal() {
                output::say(&waiting(ends(prompt), &open.desk.when()));
            }
        }
        if let Some(prompt) = prompt.as_ref().filter(|_| output::stderr_is_terminal()) {
            line.draw(&waiting(ends(prompt), &open.desk.when()));
        }
        shown = prompt;
        tokio::select! {
            outcome = &mut signing_in => {
                drop(line);
                if outcome == Err(EngineError::NotThisWay) {
                    return Err(not_this_way(account, args));
                }
                return told(outcome, account);
            }
            // It fails only when the engine has ended, and then the sign-in has as well.
            _ = sessions.changed() => {}
            () = open.desk.pause(REDRAW), if shown.is_some() => {}
        }
    }
}

/// The provider has no place for that, as far as it and the account say.
fn not_this_way(account: &AccountConfig, args: &SignIn) -> Failure {
    let name = &account.name;
    let (what, instead) = if args.device {
        ("gives no codes", format!("`latchkey sign-in {name}` opens its page"))
    } else {
        ("has no sign-in page", format!("`latchkey sign-in {name} --device` gives a code"))
    };
    Failure::wrong_use(format!("the provider of `{name}` {what}"))
        .hint(format!("{instead}; `latchkey accounts check {name}` says what it can do"))
}

/// The address is a value where nobody else opens it; with `--json` standard output is the session's.
fn show(prompt: &SignInPrompt, account: &AccountConfig, args: &SignIn) -> Result<(), Failure> {
    let Told { words, address, is_value } = told_of(prompt, &account.name, args.no_browser);
    output::say(&words);
    if is_value && !args.json {
        output::value(&address)?;
    } else {
        output::say(&address);
    }
    let draws = match args.qr {
        Qr::Auto => output::stderr_is_terminal(),
        Qr::Always => true,
        Qr::Never => false,
    };
    if let Some(picture) = picture(prompt, output::stderr_is_terminal()).filter(|_| draws) {
        output::say(&picture);
    }
    Ok(())
}
