//! `cargo xtask first-minute`: the moving picture in the README. The app starts where nobody was signed in, signs in to its
//! development backend and renews; its window is photographed again and again, and ImageMagick joins the photographs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock::{self, Stopwatch};
use crate::desktop::Desktop;
use crate::process::interrupt;
use crate::workspace::{Workspace, fresh_private_folder};
use crate::{demo, packages, process, provision, run, say, ui};

/// What is photographed: sign-in, and two renewals of a token that lives 15 seconds.
const SPAN: Duration = Duration::from_secs(34);

/// From one photograph to the next.
const STEP: Duration = Duration::from_secs(1);

/// How long each is shown, in hundredths of a second: the minute passes four times as fast.
const SHOWN: &str = "25";

/// How long the first is shown, which is the window of a newcomer, in hundredths of a second.
const NEWCOMER: &str = "200";

/// How long the last is shown before all begins anew, in hundredths of a second.
const LAST: &str = "250";

/// The inside of the window in the middle of the display, as far as ImageMagick has to know: the frame is cut off.
const INSIDE: &str = "960x700";

/// Wide enough to read the letters, and small enough for a page.
const WIDTH: &str = "720";

/// A page that loads slowly shows nothing.
const MOST_BYTES: u64 = 1_500_000;

/// Makes `docs/first-minute.gif`.
pub(crate) fn first_minute(workspace: &Workspace, yes: bool) -> Result<()> {
    provision::provide(workspace, &[packages::WINDOW, packages::HEADLESS], &[], yes)?;
    ui::ready(workspace)?;
    run::build(workspace)?;
    let folder = workspace.target.join("first-minute");
    fresh_private_folder(&folder)?;
    let photographs = photograph(workspace, &folder)?;
    let picture = workspace.root.join("docs/first-minute.gif");
    join(&workspace.root.join("docs/pictures/newcomer-light.png"), &photographs, &picture)?;
    let size = fs::metadata(&picture).context("ImageMagick wrote nothing")?.len();
    if size > MOST_BYTES {
        bail!("{} has {size} bytes, more than {MOST_BYTES}", workspace.shown(&picture));
    }
    say::line(format!("{} ({} photographs, {size} bytes)", workspace.shown(&picture), photographs.len()));
    Ok(())
}

/// Takes the photographs, in their order.
fn photograph(workspace: &Workspace, folder: &Path) -> Result<Vec<PathBuf>> {
    let base = workspace.target.join("demo");
    let desktop = Desktop::start(&base)?;
    let mut app = demo::start(workspace, &desktop, &base, &base.join("latchkey/state"))?;
    let (watch, mut taken) = (Stopwatch::start(), Vec::new());
    while !watch.passed(SPAN) {
        interrupt::check()?;
        if let Some(status) = app.ended()? {
            bail!("the app ended by itself ({status})");
        }
        let next = Stopwatch::start();
        let path = folder.join(format!("{:03}.png", taken.len()));
        // An empty window is no part of what people see.
        if desktop.screenshot(&path)? >= demo::COLOURS_OF_A_PAGE {
            taken.push(path);
        }
        while !next.passed(STEP) {
            interrupt::check()?;
            clock::pause(Duration::from_millis(20));
        }
    }
    app.stop();
    Ok(taken)
}

fn join(newcomer: &Path, photographs: &[PathBuf], to: &Path) -> Result<()> {
    let Some((last, others)) = photographs.split_last() else { bail!("nothing was photographed") };
    let mut convert = Command::new("convert");
    convert.args(["-delay", NEWCOMER]).arg(newcomer);
    convert.args(["(", "-delay", SHOWN]).args(others).args(["-delay", LAST]).arg(last);
    // The title above the inside moves its middle below that of the display.
    convert.args(["-gravity", "center", "-crop", &format!("{INSIDE}+0+8"), "+repage", ")"]);
    convert.args([
        "-resize",
        WIDTH,
        "+dither",
        "-colors",
        "96",
        "-loop",
        "0",
        "-layers",
        "OptimizeTransparency",
    ]);
    process::answer(convert.arg(to)).context("ImageMagick could not join the photographs")?;
    Ok(())
}
