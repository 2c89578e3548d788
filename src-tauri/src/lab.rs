//! What the Lab view asks for: the development backend's switches, scenarios, profiles, and the tour.
//!
//! The switches go over the backend's own test control, since the backend may be another process's
//! (`latchkey devserver`).

use jiff::SignedDuration;
use latchkey_core::secret::Password;
use latchkey_engine::TokenRequest;
use latchkey_engine::config::{AccountConfig, Config, ProviderConfig, Url, set_grace_window};
use latchkey_engine::http::{Reply, Request};
use latchkey_engine::lab::{Bounds, ProfileFinding, findings, save_profile};
use latchkey_lab::measuring::measure;
use latchkey_lab::runner::{self, Against, Outcome, Person};
use latchkey_lab::sandbox::{Move, Sandbox, SandboxState};
use latchkey_lab::scenario::Scenario;
use latchkey_lab::shipped;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::command_error::CommandError;
use crate::dev_server;
use crate::input::{self, PasswordInput};
use crate::shell::Shell;
use crate::words::Tongue;

/// The made-up user of the development backend.
const USER: &str = "demo";

/// How many of the latest requests are shown.
const REQUESTS: usize = 30;

/// How long the tour's clock goes on where it is to go past a grace window.
const PAST_GRACE: std::time::Duration = std::time::Duration::from_secs(31);

/// A scenario, as it is chosen from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct LabScenario {
    name: String,
    title: String,
    about: String,
    standard: Vec<String>,
}

/// The development backend as the view shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct LabBackend {
    /// Where it listens.
    url: String,
    /// The account that signs in to it.
    account: String,
    /// The faults that are planned.
    faults: Vec<LabFault>,
    /// What it saw last, oldest first.
    requests: Vec<LabRequest>,
}

/// A fault, planned or to be planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct LabFault {
    /// Where it strikes.
    path: String,
    /// What goes wrong.
    mode: String,
    /// The status of the reply, if the mode does not say.
    status: Option<u16>,
    /// How many requests it strikes; -1 until it is cleared.
    count: i32,
}

/// A request that the backend saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct LabRequest {
    number: u32,
    at: String,
    method: String,
    path: String,
    status: Option<u16>,
    outcome: String,
    fault: Option<String>,
}

/// What the view can switch at the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabSwitch {
    /// The access tokens end now.
    Expire,
    /// An administrator revokes the sessions.
    Revoke,
    /// The refresh token that was used last comes again.
    Replay,
    /// The signing key is replaced.
    RotateKeys,
}

/// What is done in the tour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub(crate) enum TourMove {
    /// A new backend without a grace window, signed in to.
    Begin,
    /// The same with a grace window of 30 s.
    BeginWithGrace,
    /// The owner refreshes.
    Refresh,
    /// A used token comes again.
    Replay,
    /// The grace window passes.
    Wait,
}

/// The tour's backend, while somebody takes the tour.
#[derive(Default)]
pub(crate) struct Tour(tokio::sync::Mutex<Option<Sandbox>>);

fn failed(what: impl std::fmt::Display) -> CommandError {
    CommandError::new("lab_failed", what.to_string(), None)
}

impl Shell {
    /// Every scenario that comes with the app.
    pub(crate) fn lab_scenarios(tongue: Tongue) -> Result<Vec<LabScenario>, CommandError> {
        let scenarios = shipped::all().map_err(failed)?;
        let listed = scenarios.into_iter().map(|scenario| {
            let (title, about) =
                tongue.scenario(&scenario.name).unwrap_or((&scenario.title, scenario.about.trim()));
            LabScenario {
                title: title.to_owned(),
                about: about.to_owned(),
                name: scenario.name,
                standard: scenario.standard,
            }
        });
        Ok(listed.collect())
    }

    /// Plays a scenario in virtual time; a rule of the backend's may be broken.
    pub(crate) async fn lab_run(&self, name: &str, rule: Option<&str>) -> Result<Outcome, CommandError> {
        let text = shipped::text(name).ok_or_else(|| failed("there is no such scenario"))?;
        let scenario = Scenario::parse(text, name).map_err(failed)?;
        let rules = rule.map(str::parse).transpose().map_err(failed)?.into_iter().collect();
        let keys = self.lab_folder()?;
        runner::run(&scenario, &Against::Own { rules }, &keys).await.map_err(failed)
    }

    /// The development backend; nothing where no account uses it.
    pub(crate) async fn lab_backend(&self) -> Result<Option<LabBackend>, CommandError> {
        let Some((account, url)) = self.lab_account()? else { return Ok(None) };
        let planned = self.ask(Request::get(&at(&url, "/__fault")?)).await?;
        let seen = self.ask(Request::get(&at(&url, "/__requests")?)).await?;
        let mut requests: Vec<LabRequest> = serde_json::from_value(seen).map_err(failed)?;
        requests.drain(..requests.len().saturating_sub(REQUESTS));
        let faults = planned.get("planned").cloned().unwrap_or_default();
        Ok(Some(LabBackend {
            url: url.origin().ascii_serialization(),
            account: account.name.to_string(),
            faults: serde_json::from_value(faults).map_err(failed)?,
            requests,
        }))
    }

    /// Plans a fault at the development backend.
    pub(crate) async fn lab_fault(&self, fault: LabFault) -> Result<(), CommandError> {
        input::line("path", &fault.path)?;
        input::line("mode", &fault.mode)?;
        let url = self.lab_url()?;
        let mut body = json!({ "path": fault.path, "mode": fault.mode, "count": fault.count });
        if let (Some(status), Some(object)) = (fault.status, body.as_object_mut()) {
            object.insert("status".to_owned(), json!(status));
        }
        tracing::info!(kind = "lab_fault", mode = fault.mode, path = fault.path, "The lab plans a fault");
        self.ask(Request::post_value(&at(&url, "/__fault")?, &body)).await.map(drop)
    }

    /// Takes back all faults that are planned.
    pub(crate) async fn lab_clear(&self) -> Result<(), CommandError> {
        self.ask(Request::delete(&at(&self.lab_url()?, "/__fault")?)).await.map(drop)
    }

    /// Does something at the development backend; what came of it, in its own words.
    pub(crate) async fn lab_switch(&self, switch: LabSwitch) -> Result<String, CommandError> {
        let Some((account, url)) = self.lab_account()? else { return Err(no_backend()) };
        let user = json!({ "username": USER });
        let (path, body) = match switch {
            LabSwitch::Expire => ("/__expire", user),
            LabSwitch::Revoke => ("/__revoke", user),
            LabSwitch::Replay => ("/__replay", user),
            LabSwitch::RotateKeys => ("/__rotate_keys", json!({})),
        };
        let answer = self.ask(Request::post_value(&at(&url, path)?, &body)).await?;
        tracing::info!(kind = "lab_switch", path, "The lab does something at the backend");
        if switch == LabSwitch::Expire {
            self.refuse_access_token(&account).await;
        }
        Ok(answer.get("outcome").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// What a resource server would say next, whose access token has just expired.
    async fn refuse_access_token(&self, account: &AccountConfig) {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
        if let Ok(token) = self.engine.token(&account.name, request).await {
            let _ = self.engine.token_rejected(&account.name, token.fingerprint);
        }
    }

    /// Measures the backend of an account on throw-away sign-ins.
    pub(crate) async fn lab_profile(
        &self,
        account: &str,
        username: Option<String>,
        password: Option<PasswordInput>,
    ) -> Result<Vec<ProfileFinding>, CommandError> {
        let name = input::account(account)?;
        let config = Config::load(&self.paths)?;
        let account = config.account(&name).ok_or_else(|| failed("there is no such account"))?;
        let person = match (&account.provider, username, password) {
            _ if account.devserver => {
                Person::Typed { username: USER.to_owned(), password: Password::new(USER) }
            }
            (_, Some(username), Some(password)) => {
                let login = input::login(username, password)?;
                Person::Typed { username: login.username, password: login.password }
            }
            (ProviderConfig::Oauth(_), _, _) => Person::Here(self.browser.clone()),
            (ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_), _, _) => {
                return Err(failed("this backend needs a user name and a password"));
            }
        };
        let measuring = measure(account, &person, Bounds::default(), &self.ending, |_| ());
        let measured = measuring.await.map_err(failed)?;
        save_profile(&self.paths, &name, &measured).map_err(failed)?;
        if let Some(grace) = measured.facts.grace {
            set_grace_window(&self.paths, &name, grace.sure_secs())?;
        }
        Ok(findings(&measured))
    }

    /// Does the next thing in the tour.
    pub(crate) async fn lab_tour(&self, step: TourMove) -> Result<SandboxState, CommandError> {
        let mut tour = self.tour.0.lock().await;
        let begin = |secs| SignedDuration::from_secs(secs);
        let what = match step {
            TourMove::Begin | TourMove::BeginWithGrace => {
                let grace = if step == TourMove::Begin { begin(0) } else { begin(30) };
                let sandbox = Sandbox::begin(grace, &self.lab_folder()?).await.map_err(failed)?;
                return Ok(tour.insert(sandbox).state());
            }
            TourMove::Refresh => Move::Refresh,
            TourMove::Replay => Move::Replay,
            TourMove::Wait => Move::Wait(PAST_GRACE),
        };
        let sandbox = tour.as_mut().ok_or_else(|| failed("the tour has not begun"))?;
        Ok(sandbox.does(what).await)
    }

    fn lab_folder(&self) -> Result<std::path::PathBuf, CommandError> {
        let folder = self.paths.state_dir.join("lab");
        std::fs::create_dir_all(&folder).map_err(failed)?;
        Ok(folder)
    }

    /// The first account that is served by the development backend, and where that listens.
    fn lab_account(&self) -> Result<Option<(AccountConfig, Url)>, CommandError> {
        let config = Config::load(&self.paths)?;
        let served = config.accounts.into_iter().find(|account| dev_server::port(account).is_some());
        Ok(served.and_then(|account| {
            let url = account.provider.address()?;
            Some((account, url))
        }))
    }

    fn lab_url(&self) -> Result<Url, CommandError> {
        self.lab_account()?.map(|(_, url)| url).ok_or_else(no_backend)
    }

    async fn ask(&self, request: Request) -> Result<Value, CommandError> {
        let reply: Reply = self.http.send(request).await.map_err(|_| {
            let hint = "it starts with the app; see whether something else took its port";
            CommandError::new("backend_unreachable", "the development backend does not answer", Some(hint))
        })?;
        let answer: Value = serde_json::from_slice(&reply.body).map_err(failed)?;
        if reply.is_success() {
            return Ok(answer);
        }
        let said = answer.get("error_description").and_then(Value::as_str);
        Err(failed(said.unwrap_or("the development backend refused")))
    }
}

fn no_backend() -> CommandError {
    CommandError::new("lab_no_backend", "no account uses the development backend", None)
}

fn at(url: &Url, path: &str) -> Result<Url, CommandError> {
    url.join(path).map_err(failed)
}
