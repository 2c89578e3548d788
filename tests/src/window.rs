//! The window of the built app, driven as a person drives it.
//!
//! WebDriver speaks straight to WebKitWebDriver, which starts the app. One driver has one session, so each window has
//! its own; it needs a desktop of its own as well, or the app would hand over to an instance that runs already.

use std::path::{Path, PathBuf};

use thirtyfour::Capabilities;
use thirtyfour::error::{WebDriverError, WebDriverErrorInner};
use thirtyfour::prelude::{By, WebDriver, WebElement};
use thirtyfour::session::scriptret::ScriptRet;

use crate::desktop::Desktop;
use crate::process::has_ended;
use crate::programs::latchkey_desktop;
use crate::wait::{Deadline, PATIENCE, until, until_async};
use crate::web_driver::Driver;

/// The page with everything it stores.
const PAGE: &str = "return [document.documentElement.outerHTML, location.href, document.cookie, \
    JSON.stringify(Object.entries(localStorage)), JSON.stringify(Object.entries(sessionStorage)), \
    [...document.querySelectorAll('input')].map(i => i.value).join(' ')].join('\\n')";

/// An open window.
pub struct Window {
    page: Option<WebDriver>,
    driver: Driver,
}

impl Window {
    /// Starts the app on this desktop, which has a screen, and waits for its page, which hears of everything by then.
    ///
    /// # Panics
    /// When there is no page in time.
    pub async fn open(desktop: &Desktop, arguments: &[&str]) -> Self {
        Self::open_with(desktop, arguments, "about").await
    }

    /// The same, and the page is the one in which this can be found.
    ///
    /// # Panics
    /// When there is no page in time.
    pub async fn open_with(desktop: &Desktop, arguments: &[&str], testid: &str) -> Self {
        Self::open_program(desktop, &latchkey_desktop(), arguments, testid).await
    }

    /// The same with the app at another place, as a package has it.
    ///
    /// # Panics
    /// When there is no page in time.
    pub async fn open_program(desktop: &Desktop, app: &Path, arguments: &[&str], testid: &str) -> Self {
        let driver = Driver::start(desktop, "app", |command| {
            // The app inherits it; without it the page takes no orders, and the creation of the session hangs.
            command.env("TAURI_WEBVIEW_AUTOMATION", "true");
        });
        let mut wanted = Capabilities::new();
        let options = serde_json::json!({ "binary": app, "args": arguments });
        wanted.set("webkitgtk:browserOptions", options).unwrap();
        let window = Self { page: Some(driver.open(wanted).await), driver };
        let end = Deadline::after(PATIENCE);
        while window.all_css(&css(testid)).await.is_empty() {
            if end.passed() {
                let source = window.page().source().await.unwrap_or_default();
                panic!("the page does not open\n{source}\n{}", printed(desktop));
            }
            tokio::task::yield_now().await;
        }
        window
    }

    /// The page.
    ///
    /// # Panics
    /// Never: it is there as long as the window.
    pub fn page(&self) -> &WebDriver {
        self.page.as_ref().unwrap()
    }

    /// What has this test id, as soon as it is there.
    pub async fn find(&self, testid: &str) -> WebElement {
        self.find_css(&css(testid)).await
    }

    /// What this selector names, as soon as it is there.
    pub async fn find_css(&self, selector: &str) -> WebElement {
        until_async(&format!("{selector} in the window"), PATIENCE, async || {
            self.all_css(selector).await.into_iter().next()
        })
        .await
    }

    /// All that this selector names now.
    pub async fn all_css(&self, selector: &str) -> Vec<WebElement> {
        self.page().find_all(By::Css(selector)).await.unwrap_or_default()
    }

    /// Waits until nothing has this test id any more. A driver that does not say is no answer.
    pub async fn gone(&self, testid: &str) {
        let selector = css(testid);
        until_async(&format!("{selector} to go"), PATIENCE, async || {
            let found = self.page().find_all(By::Css(&selector)).await;
            found.is_ok_and(|all| all.is_empty()).then_some(())
        })
        .await;
    }

    /// The text of what has this test id.
    pub async fn text(&self, testid: &str) -> String {
        let found = format!("the text of {testid}");
        until_async(&found, PATIENCE, async || self.find(testid).await.text().await.ok()).await
    }

    /// Waits until the text says this, and gives all of it.
    pub async fn says(&self, testid: &str, words: &str) -> String {
        until_async(&format!("{testid} to say “{words}”"), PATIENCE, async || {
            Some(self.text(testid).await).filter(|text| text.contains(words))
        })
        .await
    }

    /// Presses it. What is drawn anew or covered in this moment is looked for again.
    ///
    /// # Panics
    /// When the driver says otherwise why it cannot be pressed.
    pub async fn press(&self, testid: &str) {
        until_async(&format!("{testid} to be pressed"), PATIENCE, async || {
            match self.find(testid).await.click().await {
                Ok(()) => Some(()),
                Err(error) if passes(&error) => None,
                Err(error) => panic!("{testid} cannot be pressed: {error}"),
            }
        })
        .await;
    }

    /// Replaces what stands in a field, as soon as it takes it.
    pub async fn fill(&self, testid: &str, text: &str) {
        until_async(&format!("{testid} to take a text"), PATIENCE, async || {
            let field = self.find(testid).await;
            field.clear().await.ok()?;
            field.send_keys(text).await.ok()
        })
        .await;
    }

    /// Chooses a value in a list.
    pub async fn choose(&self, testid: &str, value: &str) {
        let script = format!(
            "const e = document.querySelector('{}'); e.value = '{value}'; \
             e.dispatchEvent(new Event('change', {{ bubbles: true }}))",
            css(testid)
        );
        self.find(testid).await;
        self.run(&script).await;
    }

    /// Signs in by the form.
    pub async fn sign_in(&self, username: &str, password: &str) {
        self.fill("sign-in-username", username).await;
        self.fill("sign-in-password", password).await;
        self.press("sign-in-submit").await;
    }

    /// The state of the open session.
    pub async fn state(&self) -> String {
        self.find("state-pill").await.attr("data-state").await.ok().flatten().unwrap_or_default()
    }

    /// Waits for a state of the open session.
    pub async fn comes_to(&self, state: &str) {
        until_async(&format!("the state {state}"), PATIENCE, async || {
            (self.state().await == state).then_some(())
        })
        .await;
    }

    /// Runs a script in the page.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, script: &str) -> ScriptRet {
        self.page().execute(script, Vec::new()).await.unwrap()
    }

    /// All words of the page's main part; also those that are cut off for want of room.
    ///
    /// # Panics
    /// When there is none.
    pub async fn words(&self) -> String {
        let text = self.run("return document.querySelector('main').textContent").await;
        text.json().as_str().unwrap().to_owned()
    }

    /// Everything the page shows and stores, as text.
    ///
    /// # Panics
    /// When it is no text.
    pub async fn everything(&self) -> String {
        self.run(PAGE).await.json().as_str().unwrap().to_owned()
    }

    /// Makes the window this large.
    ///
    /// # Panics
    /// When it stays otherwise.
    pub async fn resize(&self, width: u32, height: u32) {
        self.page().set_window_rect(0, 0, width, height).await.unwrap();
        let want = i64::from(width);
        until_async("the window to have its size", PATIENCE, async || {
            let has = self.run("return innerWidth").await.json().as_i64()?;
            ((has - want).abs() <= 2).then_some(())
        })
        .await;
    }

    /// Keeps a picture of the window in `target/screenshots`.
    ///
    /// # Panics
    /// When there is no picture.
    pub async fn picture(&self, name: &str) {
        let folder = screenshots();
        std::fs::create_dir_all(&folder).unwrap();
        // A picture shows what was drawn last: what was changed has to be drawn first.
        let drawn = "const done = arguments[0]; const frame = requestAnimationFrame; \
            document.fonts.ready.then(() => frame(() => frame(() => setTimeout(done, 150))))";
        self.page().execute_async(drawn, Vec::new()).await.unwrap();
        // The driver waits for the page to be drawn once more, and what rests is not drawn: it is told to, meanwhile.
        self.run(
            "const { style } = document.documentElement; \
             window.drawing = setInterval(() => (style.opacity = style.opacity === '1' ? '0.999' : '1'), 40)",
        )
        .await;
        let file = folder.join(format!("{name}.png"));
        let picture = self.page().screenshot(&file);
        tokio::time::timeout(PATIENCE, picture).await.expect("a picture in time").unwrap();
        self.run("clearInterval(window.drawing); document.documentElement.style.opacity = ''").await;
    }

    /// The number of the app's process.
    pub fn app(&self) -> u32 {
        let parent = self.driver.id();
        until("the app's process", PATIENCE, || children_of(parent).into_iter().next())
    }

    /// The number of the process in which the page lives.
    pub fn page_process(&self) -> u32 {
        page_process_of(self.app())
    }
}

/// The number of the process in which the page of this app lives, as soon as there is one.
pub fn page_process_of(app: u32) -> u32 {
    until("the page's process", PATIENCE, || {
        children_of(app).into_iter().find(|child| {
            let name = std::fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
            name.starts_with("WebKitWebProc")
        })
    })
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Some(page) = self.page.take() {
            // The driver is killed next; a polite end would wait for an answer.
            let _ = page.leak();
        }
    }
}

/// Whether an element may be pressed in the next moment: the page had just taken it away, or put something before it.
fn passes(error: &WebDriverError) -> bool {
    use WebDriverErrorInner::{ElementClickIntercepted, ElementNotInteractable, StaleElementReference};
    matches!(
        error.as_inner(),
        StaleElementReference(_) | ElementClickIntercepted(_) | ElementNotInteractable(_)
    )
}

/// Selects what has this test id.
pub fn css(testid: &str) -> String {
    format!("[data-testid=\"{testid}\"]")
}

/// Where pictures are kept: in the folder of what cargo builds.
pub fn screenshots() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("screenshots")
}

fn printed(desktop: &Desktop) -> String {
    std::fs::read_to_string(desktop.out("app")).unwrap_or_default()
}

fn children_of(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let children = numbers.filter(|number| {
        // The name in brackets may hold anything; what follows it is a letter and numbers: state, parent.
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace().nth(1) == Some(&parent.to_string()) && !has_ended(*number)
    });
    children.collect()
}
