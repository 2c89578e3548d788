//! How other programs renew: their published rules, read from their sources, as data and one reading of it.
//!
//! Where a rule leaves something open, the reading is the kinder one: a token in hand counts as usable while the
//! backend would take it, also where the program itself would refuse to hand it out.

use super::backend::Grant;
use super::policy_run::{After, Alarm, Look, Moment, Outcome, Schedule, Wish};
use super::{HOUR, MINUTE, Millis, SECOND};

/// Which clock a program compares an expiry with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// The boot-time clock.
    Boot,
    /// The wall clock, with an expiry stamped at receipt.
    Wall,
    /// The wall clock, with the server's own expiry.
    WallAgainstServer,
}

/// What follows a failure that the program takes for a passing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// Again after so long.
    After(Millis),
    /// Again when it would look anyway.
    NextLook,
    /// First after 200 ms, then twice as long each time, within this; then when it would look anyway.
    DoublingWithin(Millis),
    /// Not before so long after a busy backend (`Retry-After` wins, up to an hour); otherwise at the next look.
    Throttled(Millis),
}

/// What follows a failure that the program takes for a lasting one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lasting {
    /// The tokens are thrown away and the person is asked.
    Dropped,
    /// The person is asked; the tokens stay.
    Asked,
    /// It never tries again; the person is asked when the access token has expired.
    Stopped,
}

/// A program's rule.
pub struct Rule {
    /// The program.
    pub name: &'static str,
    /// Looks by itself at least this often, on a timer that stands still during suspend.
    polls: Option<Millis>,
    calls: bool,
    focus: bool,
    reads: Reads,
    /// Renews when less than this is left.
    margin: Millis,
    /// Renews at the latest so long after the last renewal.
    at_most: Option<Millis>,
    retry: Retry,
    passing: fn(Outcome) -> bool,
    lasting: Lasting,
}

/// What every one of them takes for passing: the request did not get through.
fn network(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::NotSent | Outcome::NoReply { .. })
}

/// The rules, each with what its program calls them. Sections are those of a study of these programs that is no part of
/// this repository; whoever doubts a row reads the program itself.
pub const RULES: [Rule; 7] = [
    Rule {
        // Section 2, row pizauth; section 1.1: refresh_before_expiry 90 s, refresh_at_least 90 min, refresh_retry
        // 40 s for ever, sleeps 37 s at most on a condition variable, compares with the boot-time clock.
        name: "pizauth",
        polls: Some(37 * SECOND),
        calls: false,
        focus: false,
        reads: Reads::Boot,
        margin: 90 * SECOND,
        at_most: Some(90 * MINUTE),
        retry: Retry::After(40 * SECOND),
        // Section 1.1: 408, 429, 500, 502, 503, 504 and the network; HTML in a 200 is permanent (8.3 saw it).
        passing: |outcome| {
            network(outcome) || matches!(outcome, Outcome::Busy(408 | 429 | 500 | 502 | 503 | 504, _))
        },
        lasting: Lasting::Dropped,
    },
    Rule {
        // Section 2, row oidc-client-ts; section 1.7: 60 s before expiry (1 s at least), the timer polls the wall
        // clock every 5 s, a time-out is tried again after 5 s without end, anything else is told once and ends it.
        name: "oidc-client-ts",
        polls: Some(5 * SECOND),
        calls: false,
        focus: false,
        reads: Reads::Wall,
        margin: MINUTE,
        at_most: None,
        retry: Retry::After(5 * SECOND),
        passing: |outcome| matches!(outcome, Outcome::NoReply { slow: true }),
        lasting: Lasting::Stopped,
    },
    Rule {
        // Section 2, row supabase auth-js; section 1.9: a tick every 30 s in a visible tab, renews when
        // floor(left / 30 s) <= 3, 200 ms doubled within 30 s, then at each tick; network and 502-504 pass, all
        // else removes the session; the server's expires_at against the wall clock.
        name: "supabase auth-js",
        polls: Some(30 * SECOND),
        calls: false,
        focus: true,
        reads: Reads::WallAgainstServer,
        margin: 2 * MINUTE,
        at_most: None,
        retry: Retry::DoublingWithin(30 * SECOND),
        passing: |outcome| network(outcome) || matches!(outcome, Outcome::Busy(502..=504, _)),
        lasting: Lasting::Dropped,
    },
    Rule {
        // Section 2, row MSAL py; section 1.6: on call, less than 300 s left; 429 and 5xx keep it from asking for
        // 5 s or Retry-After (an hour at most); the refresh token is kept at invalid_grant.
        name: "MSAL Python",
        polls: None,
        calls: true,
        focus: false,
        reads: Reads::Wall,
        margin: 5 * MINUTE,
        at_most: None,
        retry: Retry::Throttled(5 * SECOND),
        passing: |outcome| outcome != Outcome::Refused,
        lasting: Lasting::Asked,
    },
    Rule {
        // Section 2, row MSAL .NET; section 1.6: the same with 60 s. (refresh_on needs a server that sends
        // refresh_in, which is Microsoft's own extension.)
        name: "MSAL .NET",
        polls: None,
        calls: true,
        focus: false,
        reads: Reads::Wall,
        margin: 5 * MINUTE,
        at_most: None,
        retry: Retry::Throttled(MINUTE),
        passing: |outcome| outcome != Outcome::Refused,
        lasting: Lasting::Asked,
    },
    Rule {
        // Section 2, row AppAuth; section 1.12: on call, 60 s left, no back-off; any OAuth error of the token
        // endpoint is permanent, anything else is transient.
        name: "AppAuth",
        polls: None,
        calls: true,
        focus: false,
        reads: Reads::Wall,
        margin: MINUTE,
        at_most: None,
        retry: Retry::NextLook,
        passing: |outcome| outcome != Outcome::Refused,
        lasting: Lasting::Dropped,
    },
    Rule {
        // Section 2, row Auth.js guide; section 1.8: on reading the session once it has expired (no margin), also
        // when the window is looked at again; any error is RefreshTokenError, which leads to signIn().
        name: "Auth.js guide",
        polls: None,
        calls: true,
        focus: true,
        reads: Reads::Wall,
        margin: 0,
        at_most: None,
        retry: Retry::NextLook,
        passing: |_| false,
        lasting: Lasting::Asked,
    },
];

/// A program that renews by a rule.
pub struct Peer<'a> {
    rule: &'a Rule,
    obtained: Millis,
    lifetime: Millis,
    expires: Millis,
    /// When the run of failures began, and how many there were.
    failing: Option<(Millis, u32)>,
    /// Not before then, on the clock of the waking hours.
    not_before: Millis,
    stopped: bool,
}

impl<'a> Peer<'a> {
    /// One that has not signed in yet.
    pub fn new(rule: &'a Rule) -> Self {
        Self { rule, obtained: 0, lifetime: 0, expires: 0, failing: None, not_before: 0, stopped: false }
    }

    fn reads(&self, now: Moment) -> Millis {
        if self.rule.reads == Reads::Boot { now.boot } else { now.wall }
    }

    fn takes(&mut self, grant: Grant, now: Moment) {
        self.lifetime = grant.expires - grant.issued;
        self.obtained = self.reads(now);
        // The server's clock is the true one.
        let stamped = self.obtained + self.lifetime;
        self.expires = if self.rule.reads == Reads::WallAgainstServer { grant.expires } else { stamped };
        (self.failing, self.not_before, self.stopped) = (None, now.awake, false);
    }

    fn due(&self) -> Millis {
        if self.stopped {
            return self.expires + SECOND;
        }
        let due = self.expires - self.rule.margin;
        self.rule.at_most.map_or(due, |most| due.min(self.obtained + most))
    }

    fn fails(&mut self, outcome: Outcome, now: Moment) {
        let (since, times) = self.failing.unwrap_or((now.awake, 0));
        self.failing = Some((since, times + 1));
        self.not_before = now.awake
            + match (self.rule.retry, outcome) {
                (Retry::After(wait), _) => wait,
                (Retry::DoublingWithin(limit), _) => {
                    let wait = 200 << times.min(20);
                    if now.awake + wait - since < limit {
                        wait
                    } else {
                        self.failing = None;
                        self.rule.polls.unwrap_or_default()
                    }
                }
                (Retry::Throttled(wait), Outcome::Busy(_, asked)) => {
                    asked.map_or(wait, |asked| (asked * SECOND).min(HOUR))
                }
                (Retry::NextLook | Retry::Throttled(_), _) => 0,
            };
    }
}

impl Schedule for Peer<'_> {
    fn signed_in(&mut self, grant: Grant, now: Moment) {
        self.takes(grant, now);
    }

    fn alarm(&self, now: Moment) -> Option<Alarm> {
        let polls = self.rule.polls?;
        // A token that lives shorter than the margin is due at once; one second lies between two tries at least.
        let left = (self.due() - self.reads(now)).max(SECOND);
        let retry = self.not_before - now.awake;
        let after = if self.failing.is_some() && !self.stopped { retry.max(1) } else { left.max(retry) };
        Some(Alarm { after, longest_sleep: polls, through_suspend: false })
    }

    fn hears(&self, look: Look) -> bool {
        match look {
            Look::Call => self.rule.calls,
            Look::Focus => self.rule.focus,
            Look::Timer => true,
            Look::Clock | Look::Link => false,
        }
    }

    fn look(&mut self, _: Look, now: Moment) -> Wish {
        if self.reads(now) < self.due() || now.awake < self.not_before {
            Wish::Nothing
        } else if self.stopped {
            Wish::SignIn
        } else {
            Wish::Refresh
        }
    }

    fn answered(&mut self, outcome: Outcome, now: Moment) -> After {
        if let Outcome::Tokens(grant) = outcome {
            self.takes(grant, now);
            return After::GoesOn;
        }
        if outcome != Outcome::Refused && (self.rule.passing)(outcome) {
            self.fails(outcome, now);
            return After::GoesOn;
        }
        match self.rule.lasting {
            Lasting::Dropped => After::DropAndSignIn,
            Lasting::Asked => After::SignIn,
            Lasting::Stopped => {
                self.stopped = true;
                After::GoesOn
            }
        }
    }
}
