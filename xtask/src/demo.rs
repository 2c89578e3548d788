//! The main job where nobody can look: the app in a desktop of its own, watched through its event log until it has
//! renewed three times, with a picture of its window as proof.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::clock::{self, Stopwatch};
use crate::desktop::Desktop;
use crate::events::{Event, Follower};
use crate::process::{Group, interrupt};
use crate::say;
use crate::workspace::{Workspace, private_folder};

/// Renewals to be seen.
const RENEWALS: usize = 3;

/// Short enough to see three renewals while one waits.
const LIFETIME: &str = "15s";

/// When to give up.
const DEADLINE: Duration = Duration::from_mins(3);

/// Where the output of the app goes, below the folder of the desktop.
const OUTPUT: &str = "log/latchkey-desktop.log";

/// Fewer colours than this in the middle of the display are an empty screen or an empty window, which have one or two;
/// a page with text has at least dozens.
pub(crate) const COLOURS_OF_A_PAGE: u32 = 16;

/// Runs the demonstration in a desktop below `target/demo`.
pub(crate) fn headless(workspace: &Workspace) -> Result<()> {
    let base = workspace.target.join("demo");
    say::line("Starting a virtual display and a private D-Bus session with gnome-keyring …");
    let desktop = Desktop::start(&base)?;
    let display =
        desktop.variable("DISPLAY").map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
    say::line(format!("Display {display}; everything the app writes is below {}", workspace.shown(&base)));

    let state = base.join("latchkey/state");
    let mut app = start(workspace, &desktop, &base, &state)?;
    say::line(format!("Opened the app with the account `demo`; its access token lives {LIFETIME}."));
    let watch = Stopwatch::start();
    let mut log = Follower::new(state.join("log/events.jsonl"));
    if let Err(error) = await_renewals(&mut app, &mut log, watch) {
        if !interrupt::requested() {
            show_output(workspace, &base.join(OUTPUT));
        }
        return Err(error);
    }

    let picture = workspace.target.join("latchkey-demo.png");
    let colours = photograph(&desktop, &picture)?;
    if let Some(status) = app.ended()? {
        bail!("the app ended by itself after the third renewal ({status})");
    }
    app.stop();
    drop(desktop);
    say::line(format!(
        "Renewed {RENEWALS} times in {}. The window as it looked: {} ({colours} colours).",
        clock::readable(watch.elapsed()),
        workspace.shown(&picture)
    ));
    Ok(())
}

/// Starts the app with folders of its own.
pub(crate) fn start(workspace: &Workspace, desktop: &Desktop, base: &Path, state: &Path) -> Result<Group> {
    let (config, runtime) = (base.join("latchkey/config"), desktop.runtime().join("latchkey"));
    for folder in [&config, state, &runtime] {
        private_folder(folder)?;
    }
    let log = fs::File::create(base.join(OUTPUT))?;
    let mut command = Command::new(workspace.program("debug", "latchkey-desktop"));
    command.args(["--demo", "--demo-access-lifetime", LIFETIME]);
    desktop.apply(&mut command);
    command
        .env("LATCHKEY_CONFIG_DIR", config)
        .env("LATCHKEY_STATE_DIR", state)
        .env("LATCHKEY_RUNTIME_DIR", runtime)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Group::spawn("latchkey-desktop", &mut command)
}

/// Shows the end of what the app wrote to its own output: a panic, or what its toolkit could not do.
fn show_output(workspace: &Workspace, path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    say::problem(format!("The app's own output ({}) ends so:", workspace.shown(path)));
    for line in lines.get(lines.len().saturating_sub(20)..).unwrap_or_default() {
        say::problem(format!("  {line}"));
    }
}

/// Shows the news of the log until the renewals are there.
fn await_renewals(app: &mut Group, log: &mut Follower, watch: Stopwatch) -> Result<()> {
    let mut seen = Vec::new();
    loop {
        interrupt::check()?;
        // Asked before the log is read: what it wrote last is then still seen.
        let ended = app.ended()?;
        for event in log.news()? {
            if event.is_news() {
                say::line(event.shown());
            }
            seen.push(event);
        }
        match verdict(&seen, ended, watch.passed(DEADLINE)) {
            Verdict::Wait => clock::pause(Duration::from_millis(100)),
            Verdict::Done => return Ok(()),
            Verdict::Failed(why) => bail!("{why}"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Wait,
    Done,
    Failed(String),
}

fn verdict(seen: &[Event], ended: Option<ExitStatus>, late: bool) -> Verdict {
    let renewals = seen.iter().filter(|event| event.kind == "renewed").count();
    if renewals >= RENEWALS {
        return Verdict::Done;
    }
    let seen = || {
        let kinds: Vec<_> = seen.iter().map(|event| event.kind.as_str()).collect();
        if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") }
    };
    if let Some(status) = ended {
        Verdict::Failed(format!(
            "the app ended ({status}) after {renewals} of {RENEWALS} renewals; seen: {}",
            seen()
        ))
    } else if late {
        let limit = clock::readable(DEADLINE);
        Verdict::Failed(format!("{renewals} of {RENEWALS} renewals in {limit}; seen: {}", seen()))
    } else {
        Verdict::Wait
    }
}

/// Takes the picture; a window that is still drawing gets a few more chances.
fn photograph(desktop: &Desktop, picture: &Path) -> Result<u32> {
    let mut colours = 0;
    for _ in 0..6 {
        interrupt::check()?;
        clock::pause(Duration::from_millis(500));
        colours = desktop.screenshot(picture)?;
        if colours >= COLOURS_OF_A_PAGE {
            return Ok(colours);
        }
    }
    bail!("the window is blank: {} has only {colours} colours", picture.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_renewals_are_enough_even_when_late() {
        let seen: Vec<_> = ["state", "signed_in", "renewed", "renewed", "renewed"].map(event).into();
        assert_eq!(verdict(&seen, None, true), Verdict::Done);
    }

    #[test]
    fn a_failure_says_what_was_seen() {
        let seen: Vec<_> = ["signed_in", "renewed"].map(event).into();
        assert_eq!(verdict(&seen, None, false), Verdict::Wait);
        let Verdict::Failed(why) = verdict(&seen, None, true) else { panic!("late is a failure") };
        assert_eq!(why, "1 of 3 renewals in 3 min 00 s; seen: signed_in, renewed");
        let Verdict::Failed(why) = verdict(&[], Some(ExitStatus::default()), false) else {
            panic!("it ended")
        };
        assert!(why.contains("seen: nothing"), "{why}");
    }

    fn event(kind: &str) -> Event {
        Event::read(&format!(r#"{{"kind":"{kind}"}}"#)).unwrap()
    }
}
