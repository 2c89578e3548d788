//! `latchkey status`: looks, and never renews.

use std::fmt::Write as _;

use jiff::SignedDuration;
use latchkey_engine::EngineError;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::snapshot::SessionStatus;

use crate::agent;
use crate::args::Status;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::names::no_account;
use crate::output::{self, BROKEN_AT_THE_EDGE, CUT_AT_THE_EDGE};
use crate::render::status::{block, line};
use crate::session::{Desk, Open, vault_problem, with};

/// How often a countdown is drawn.
const REDRAW: SignedDuration = SignedDuration::from_secs(1);

/// How many redraws may pass before the vault is read again: a keychain can be emptied by others than Latchkey, who tell
/// nobody.
const READ_ANYWAY: u32 = 30;

pub(crate) async fn run(args: Status) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let accounts = match &args.account {
        Some(name) => vec![desk.account(name)?],
        None => desk.config.accounts.iter().collect(),
    };
    if no_account(&accounts) {
        return if args.json { output::json(&[(); 0]) } else { Ok(()) };
    }
    if args.watch && agent::sessions(&desk, &accounts).is_some() {
        return watch_agent(&desk, &accounts, &args).await;
    }
    if !args.watch
        && let Some(sessions) = agent::sessions(&desk, &accounts)
    {
        return show(&desk, &accounts, &args, &sessions);
    }
    with(&desk, accounts, async |open| {
        if args.watch {
            return watch(open, &args).await;
        }
        show(&desk, &open.accounts, &args, &open.engine.sessions().await)
    })
    .await
    .or_else(|failure| if args.watch && failure == Failure::interrupted() { Ok(()) } else { Err(failure) })
}

/// Prints them. A session that cannot be read is shown as waiting; the shell is told that it is not known.
fn show(
    desk: &Desk,
    accounts: &[&AccountConfig],
    args: &Status,
    sessions: &[SessionStatus],
) -> Result<(), Failure> {
    if args.json {
        output::json(&sessions)?;
    } else {
        output::value(&page(desk, sessions))?;
    }
    for (account, session) in accounts.iter().zip(sessions) {
        if let Some(problem) = vault_problem(session).filter(|_| session.generation == 0) {
            return Err(Failure::of(&EngineError::Vault { problem }, account));
        }
    }
    Ok(())
}

fn page(desk: &Desk, sessions: &[SessionStatus]) -> String {
    let when = desk.when();
    let blocks: Vec<_> = sessions.iter().map(|session| block(session, &when)).collect();
    blocks.join("\n").trim_end().to_owned()
}

/// Watches through the agent, which says what changes: nothing is opened or asked for here. Runs until Ctrl-C, or until
/// the agent ends.
async fn watch_agent(desk: &Desk, accounts: &[&AccountConfig], args: &Status) -> Result<(), Failure> {
    let ended = || Failure::failed("the agent has ended").hint("start to watch again");
    let mut interrupt = Interrupt::listen();
    let mut events = agent::follow(desk).ok_or_else(ended)?;
    let mut sessions = agent::sessions(desk, accounts).ok_or_else(ended)?;
    let mut display = Display::open(args)?;
    loop {
        display.show(desk, args, &sessions, false)?;
        // Only a countdown has something to do while nothing changes.
        let tick = async {
            if display.screen.is_some() { desk.pause(REDRAW).await } else { std::future::pending().await }
        };
        tokio::select! {
            () = interrupt.wished() => return Ok(()),
            () = tick => {}
            event = events.recv() => {
                let session = event.ok_or_else(ended)?;
                if let Some(known) = sessions.iter_mut().find(|known| known.account == session.account) {
                    *known = session;
                }
            }
        }
    }
}

/// Runs until Ctrl-C.
async fn watch(open: &Open<'_>, args: &Status) -> Result<(), Failure> {
    let mut display = Display::open(args)?;
    let mut since_read = 0;
    loop {
        let sessions = open.engine.sessions().await;
        display.show(open.desk, args, &sessions, since_read == 0)?;
        open.desk.pause(REDRAW).await;
        since_read += 1;
        if since_read >= READ_ANYWAY {
            since_read = 0;
            for account in &open.accounts {
                // It only fails while the engine closes, and then this loop ends as well.
                let _ = open.engine.reload(&account.name);
            }
        }
    }
}

/// Where sessions are watched: on a terminal as a page, elsewhere as a line for each change.
struct Display {
    screen: Option<Screen>,
    /// What was told last, elsewhere.
    told: Vec<SessionStatus>,
}

impl Display {
    fn open(args: &Status) -> Result<Self, Failure> {
        let on_screen = !args.json && output::stdout_is_terminal();
        Ok(Self { screen: if on_screen { Some(Screen::open()?) } else { None }, told: Vec::new() })
    }

    fn show(
        &mut self,
        desk: &Desk,
        args: &Status,
        sessions: &[SessionStatus],
        anew: bool,
    ) -> Result<(), Failure> {
        if let Some(screen) = &mut self.screen {
            return screen.draw(&page(desk, sessions), anew);
        }
        let told = |session: &&SessionStatus| !self.told.iter().any(|old| same(old, session));
        let changed: Vec<_> = sessions.iter().filter(told).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let when = desk.when();
        if args.json {
            output::json_line(&sessions)?;
        } else {
            for session in changed {
                output::value(&format!("{} {}", when.clock(desk.now()), line(session, &when)))?;
            }
        }
        sessions.clone_into(&mut self.told);
        Ok(())
    }
}

/// Whether nothing happened between two looks: a plan is drawn anew with each reading of the vault.
fn same(old: &SessionStatus, new: &SessionStatus) -> bool {
    (&old.account, &old.state, &old.reason, old.generation, &old.clocks)
        == (&new.account, &new.state, &new.reason, new.generation, &new.clocks)
}

/// The terminal's other screen: what was there before comes back when the watching ends.
struct Screen {
    /// The lines that stand there.
    shown: Vec<String>,
}

impl Screen {
    fn open() -> Result<Self, Failure> {
        // Each line has a row of its own, so none may run into the next.
        let opened = output::draw(&format!("\x1b[?1049h\x1b[?25l{CUT_AT_THE_EDGE}"));
        opened.map(|()| Self { shown: Vec::new() })
    }

    /// Draws the lines that differ from those that stand there; all of them where `anew`, as a terminal may have been
    /// resized.
    fn draw(&mut self, page: &str, anew: bool) -> Result<(), Failure> {
        let lines: Vec<_> = page.lines().chain(["", "  Ctrl-C ends watching"]).map(str::to_owned).collect();
        let before = if anew { Vec::new() } else { std::mem::take(&mut self.shown) };
        output::draw(&differing(&before, &lines))?;
        self.shown = lines;
        Ok(())
    }
}

/// What turns one page into another: each line goes to its place and is cleared to its end, rather than the whole screen
/// first, which would flicker.
fn differing(before: &[String], lines: &[String]) -> String {
    let mut drawn = String::new();
    for (row, line) in lines.iter().enumerate().filter(|(row, line)| before.get(*row) != Some(line)) {
        // Writing to a text cannot fail.
        let _ = write!(drawn, "\x1b[{};1H{line}\x1b[K", row + 1);
    }
    if before.len() != lines.len() {
        let _ = write!(drawn, "\x1b[{};1H\x1b[J", lines.len() + 1);
    }
    drawn
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = output::draw(&format!("{BROKEN_AT_THE_EDGE}\x1b[?25h\x1b[?1049l"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_draws_the_lines_that_changed_and_nothing_else() {
        let page = |left: &str| ["demo: signed in", left, "end"].map(str::to_owned);
        assert_eq!(differing(&page("in 47 s"), &page("in 46 s")), "\x1b[2;1Hin 46 s\x1b[K");
        assert_eq!(differing(&page("in 47 s"), &page("in 47 s")), "");
        let shorter = ["demo: signed out".to_owned()];
        assert_eq!(differing(&page("in 47 s"), &shorter), "\x1b[1;1Hdemo: signed out\x1b[K\x1b[2;1H\x1b[J");
    }
}
