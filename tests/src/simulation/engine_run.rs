//! The real engine lives through a world: a window that is always there, terminal commands beside it, crashes at any
//! step. Virtual time only; after each move of the clock everything that follows from it is done before the next.
//!
//! The invariants: I1 one exchange at a time, I2 the vault holds the live token or the one before, I3 a sign-in is asked
//! for only after a verdict on the stored token, I4 no token is handed out after its end, I6 nothing is published before
//! it is durable, I8 whatever is not well has a cause and a next step, I9 nobody waits long for a token while the backend
//! can be asked, I10 what another process stored is what is handed out. (I5, no secret leaves, and I7, sign-out is final,
//! have tests of their own.)

mod handed_out;

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::fingerprint::FingerprintKey;
use latchkey_core::secret::Password;
use latchkey_core::time::Stamp;
use latchkey_engine::config::{AccountConfig, Carrier, CredentialsConfig, Mapping, ProviderConfig, Url};
use latchkey_engine::http::Http;
use latchkey_engine::ports::{Clock as _, NoBrowser, Vault as _};
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineHandle, IssuedToken, Setup, TokenRequest};
use tokio::task::JoinHandle;

use super::backend::Rules;
use super::engine_tally::EngineTally;
use super::gaps::{inside, long, without};
use super::host::{Host, Sabotage, readable};
use super::model_backend::{Door, number};
use super::policy_run::Loss;
use super::ports::Ports;
use super::seed::Draw;
use super::world::World;
use super::{MINUTE, Millis, SECOND};

/// Until a person has noticed that a sign-in is needed, and has signed in.
const PERSON: Millis = 2 * MINUTE;
/// How much longer than the backend the engine may take a token for valid: clocks that differ by less than 5 s are
/// taken for equal (`provider/expiry`), `Date` counts in seconds, and a reply takes its time.
const LEEWAY: Millis = 7 * SECOND;
/// Among so many next steps of a doomed window one is its last: a renewal has a dozen.
const STEPS: Millis = 14;
/// Rounds of the runtime in which nothing happens before all is taken to be quiet.
const QUIET: u32 = 8;
/// Rounds after which a simulation is taken to hang.
const HANGS: u32 = 2_000_000;

/// Lets the engine live through so many days of this seed.
pub fn live(seed: u64, days: Millis) -> EngineTally {
    live_with(seed, days, None)
}

/// The same on a machine with something wrong with it, which must be noticed.
pub fn live_with(seed: u64, days: Millis, sabotage: Option<Sabotage>) -> EngineTally {
    live_in(World::drawn(seed, days), Rules::drawn(seed), sabotage)
}

/// Lets the engine live through a world, before a backend with these rules.
///
/// # Panics
/// When the simulation hangs.
pub fn live_in(world: World, rules: Rules, sabotage: Option<Sabotage>) -> EngineTally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Host::new(world, rules, sabotage);
        Run::new(host).await.runs().await
    })
}

/// A process on the machine.
struct Process {
    number: u32,
    handle: EngineHandle,
}

type Answer = Option<IssuedToken>;

struct Run {
    host: Arc<Host>,
    door: Door,
    http: Http,
    account: AccountConfig,
    processes: u32,
    window: Option<Process>,
    commands: Vec<(Process, JoinHandle<Answer>)>,
    restart: Millis,
    sign_in_at: Option<Millis>,
    draw: Draw,
    tally: EngineTally,
    /// When the machine's wall clock was set for the last time.
    wall_set: Millis,
}

impl Run {
    async fn new(host: Host) -> Self {
        let draw = Draw::new(host.world.seed, 6);
        let host = Arc::new(host);
        let door = Door::new(host.clone()).await;
        let at = |path: &str| Url::parse(&format!("http://{}{path}", door.address)).unwrap();
        let provider = CredentialsConfig {
            login_url: at("/login"),
            refresh_url: at("/refresh"),
            logout_url: None,
            user_info_url: None,
            refused_status: [401].into(),
            username_field: "username".to_owned(),
            refresh_token: Carrier::default(),
            map: Mapping::default(),
        };
        let account = AccountConfig {
            name: AccountName::new("work").unwrap(),
            provider: ProviderConfig::Credentials(Arc::new(provider)),
            devserver: false,
            ..AccountConfig::demo(4180)
        };
        Self {
            host,
            door,
            http: Http::new().unwrap(),
            account,
            processes: 0,
            window: None,
            commands: Vec::new(),
            restart: 0,
            sign_in_at: Some(0),
            draw,
            tally: EngineTally::default(),
            wall_set: 0,
        }
    }

    async fn runs(mut self) -> EngineTally {
        let world = self.host.world.clone();
        let mut commands = world.commands.iter().copied().peekable();
        let mut crashes = world.crashes.iter().copied().peekable();
        let mut time = world.first_reachable(0).unwrap_or(world.length);
        let start = time;
        while time < world.length && self.host.state().broken.is_empty() {
            self.moves_to(time).await;
            if self.window.is_none() && self.restart <= time {
                self.window = Some(self.starts(true));
                self.settles().await;
            }
            while commands.next_if(|at| *at <= time).is_some() {
                self.command();
            }
            if crashes.next_if(|at| *at <= time).is_some()
                && let Some(window) = &self.window
            {
                self.host.state().doomed = Some((window.number, self.draw.between(0, STEPS)));
            }
            self.settles().await;
            self.buries();
            self.looks().await;
            self.collects().await;
            self.person().await;
            if let Some(since) = self.host.dry(start) {
                self.host.breaks(format!(
                    "I9: without a token since {}: {:?}",
                    readable(since),
                    self.status()
                ));
            }
            let next = [
                self.host.state().sleepers.values().map(|(_, until)| *until).min(),
                commands.peek().copied(),
                crashes.peek().copied(),
                self.window.is_none().then_some(self.restart),
                self.sign_in_at,
                world.clock_news(time),
                world.link_news(time),
            ];
            let now = self.host.time();
            let next = next.into_iter().flatten().filter(|at| *at > now).min().unwrap_or(world.length);
            time = world.awake.first(next, |awake| awake).unwrap_or(world.length);
        }
        self.ends(start)
    }

    /// The clock moves, and the door opens or closes.
    async fn moves_to(&mut self, time: Millis) {
        if self.host.world.wall_ahead.at(self.host.time()) != self.host.world.wall_ahead.at(time) {
            self.wall_set = time;
            self.host.tells(format!("the wall clock is set by {} ms", self.host.world.wall_ahead.at(time)));
        }
        self.tally.moves += 1;
        self.host.moves_to(time);
        self.door.follows_the_world().await;
    }

    fn starts(&mut self, background: bool) -> Process {
        self.processes += 1;
        let number = self.processes;
        let ports = Ports::new(self.host.clone(), number);
        let setup = Setup {
            vault: Arc::new(ports.clone()),
            lock: Arc::new(ports.clone()),
            clock: Arc::new(ports.clone()),
            journal: Arc::new(ports.clone()),
            network: Arc::new(ports.clone()),
            notifier: Arc::new(ports),
            browser: Arc::new(NoBrowser),
            http: self.http.clone(),
            fingerprints: FingerprintKey::new([7; 32]),
            consents: None,
            screen: None,
            background,
        };
        self.host.tells(format!("process {number} starts"));
        Process { number, handle: EngineHandle::start(setup, [self.account.clone()]) }
    }

    /// Somebody types `latchkey token`.
    fn command(&mut self) {
        let process = self.starts(false);
        let (handle, account) = (process.handle.clone(), self.account.name.clone());
        let request =
            TokenRequest { min_valid: SignedDuration::from_secs(30), wait: SignedDuration::from_secs(10) };
        let clock = Ports::new(self.host.clone(), process.number);
        let running = tokio::spawn(async move {
            let answer = handle.token(&account, request).await;
            let ends = answer.as_ref().ok().map(|token| Stamp::from_wall(token.expires_at, clock.now()));
            handle.close().await;
            // As the program does: to end may take longer than the token lasts.
            answer.ok().filter(|_| ends.is_some_and(|ends| !ends.passed(clock.now())))
        });
        self.tally.commands.0 += 1;
        self.commands.push((process, running));
    }

    /// Whether a process is in the middle of something that needs no time to pass.
    fn busy(&self, process: &Process) -> bool {
        let state = self.host.state();
        if state.dead.contains(&process.number) || state.parked.contains(&process.number) {
            return false;
        }
        drop(state);
        let shown = process.handle.watch();
        let shown = shown.borrow();
        shown.get(&self.account.name).is_none_or(|status| {
            let opening = status.reason.as_ref().is_some_and(|reason| reason.code == "opening");
            opening || matches!(status.state.as_str(), "renewing" | "signing_in")
        })
    }

    /// Waits until everything that the last move set off is done.
    async fn settles(&mut self) {
        let (mut quiet, mut rounds) = (0, 0);
        while quiet < QUIET {
            tokio::task::yield_now().await;
            self.door.follows_the_world().await;
            let busy = self.window.as_ref().is_some_and(|window| self.busy(window))
                || self
                    .commands
                    .iter()
                    .any(|(process, running)| !running.is_finished() && self.busy(process))
                || self.host.state().exchanges > 0;
            quiet = if busy { 0 } else { quiet + 1 };
            rounds += 1;
            assert!(rounds < HANGS, "seed {}: hangs\n{}", self.host.world.seed, self.host.story());
        }
    }

    /// A window that died is started again by somebody.
    fn buries(&mut self) {
        let dead = |process: &Process| !self.host.lives(process.number);
        if self.window.as_ref().is_some_and(dead) {
            self.window = None;
            self.tally.crashes += 1;
            self.restart = self.host.time() + self.draw.between(5 * SECOND, 5 * MINUTE);
        }
    }

    fn status(&self) -> Option<SessionStatus> {
        let window = self.window.as_ref()?;
        let watch = window.handle.watch();
        watch.borrow().get(&self.account.name).map(|status| (**status).clone())
    }

    /// Looks at the window after a step.
    async fn looks(&mut self) {
        let Some(status) = self.status() else { return };
        let reason = status.reason.as_ref().map(|reason| reason.code.clone());
        let next = status.next.as_ref().is_some_and(|next| next.at.is_some());
        let told = match status.state.as_str() {
            "waiting" | "saving" => reason.is_some() && next,
            "needs_sign_in" | "signed_out" => reason.is_some(),
            _ => true,
        };
        if !told {
            self.host.breaks(format!("I8: {} without a cause or a next step: {status:?}", status.state));
        }
        let over = matches!(status.state.as_str(), "needs_sign_in" | "signed_out");
        if over && self.sign_in_at.is_none() {
            self.lost(status.state.as_str(), &reason.unwrap_or_default()).await;
            let world = &self.host.world;
            let noticed = world.when_awake(world.awake_until(self.host.time()) + PERSON);
            self.sign_in_at = Some(world.first_reachable(noticed).unwrap_or(world.length));
        }
    }

    /// The session is over: was there a verdict on what is stored, and which?
    async fn lost(&mut self, state: &str, code: &str) {
        let stored = self.host.vault.read(&self.account.name).await.ok().flatten();
        let token = stored.and_then(|envelope| number(envelope.tokens.refresh?.expose()));
        let verdict = token.and_then(|token| self.host.state().refused.get(&token).copied());
        self.host.tells(format!("{state}: {code}, {verdict:?}"));
        let loss = Loss::by(verdict);
        if verdict.is_none() {
            self.host
                .breaks(format!("I3: {state} ({code}) without a verdict on the stored token {token:x?}"));
        }
        if loss == Loss::OwnFault {
            self.host.breaks(format!("a session was lost through our fault: {verdict:?}, told as {code}"));
        }
        if loss == Loss::LostReply && code != "refused_after_lost_reply" {
            self.tally.mistold += 1;
            let now = readable(self.host.time());
            self.tally.remarks.push(format!("{now}: a lost reply was told as {code}"));
        }
        *self.tally.lost.entry(loss).or_default() += 1;
    }

    /// Takes the answers of the commands that have ended.
    async fn collects(&mut self) {
        let (ended, running) =
            std::mem::take(&mut self.commands).into_iter().partition(|(_, run)| run.is_finished());
        self.commands = running;
        let ended: Vec<(Process, JoinHandle<Answer>)> = ended;
        for (process, run) in ended {
            self.host.state().dead.insert(process.number);
            if let Ok(Some(token)) = run.await {
                self.tally.commands.1 += 1;
                self.handed_out(&token).await;
            }
        }
        if let Some(window) = self.window.as_ref().filter(|_| self.tally.moves.is_multiple_of(16)) {
            let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
            if let Ok(token) = window.handle.token(&self.account.name, request).await {
                self.handed_out(&token).await;
                self.is_the_newest(&token).await;
            }
            self.settles().await;
        }
    }

    /// The person signs in, if it is time to.
    async fn person(&mut self) {
        let due = self.sign_in_at.is_some_and(|at| at <= self.host.time());
        let Some(window) = self.window.as_ref().filter(|_| due) else { return };
        let login = SignIn::Password(Login { username: "demo".to_owned(), password: Password::new("demo") });
        let (handle, account) = (window.handle.clone(), self.account.name.clone());
        let signing_in = tokio::spawn(async move { handle.sign_in(&account, login).await });
        self.settles().await;
        let done = signing_in.is_finished() && signing_in.await.is_ok_and(|outcome| outcome.is_ok());
        self.sign_in_at = (!done).then(|| self.host.time() + MINUTE);
    }

    fn ends(mut self, start: Millis) -> EngineTally {
        let state = self.host.state();
        // What came to nothing ends early.
        let spans = inside(&self.host.world.reachable_spans(), start, self.host.time());
        self.tally.reachable = long(&spans);
        self.tally.without = long(&without(&spans, &state.valid));
        self.tally.requests = state.requests.len();
        self.tally.broken.clone_from(&state.broken);
        drop(state);
        if !self.tally.broken.is_empty() {
            self.tally.story = self.host.story();
        }
        self.tally
    }
}
