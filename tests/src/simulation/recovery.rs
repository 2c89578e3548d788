//! The built program, real services: how soon a running agent renews again once the keychain, or the bus that leads to
//! it, was started anew.

use std::time::{Duration, Instant};

use latchkey_devserver::{DevServer, Options};
use rustix::process::Signal;

use super::figures::Figure;
use crate::desktop::{Desktop, Keychain};
use crate::process::signal;
use crate::wait::{PATIENCE, until};

/// As soon as this after the service is back.
const WITHIN: Duration = Duration::from_secs(2);

/// What is started anew.
#[derive(Clone, Copy, Debug)]
enum Service {
    Keychain,
    Bus,
}

/// Restarts each service so many times under a running agent; the slowest recovery of each.
///
/// # Panics
/// When the agent does not come up, or never recovers.
pub async fn of_services(rounds: u32) -> Vec<Figure> {
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        access_lifetime: Duration::from_mins(10),
        ..Options::default()
    };
    let backend = DevServer::start(options).await.unwrap();
    // The backend answers on other threads while this one waits for processes.
    tokio::task::block_in_place(|| {
        let mut desktop = Desktop::start(Keychain::Unlocked);
        desktop.add_demo(backend.address().port());
        let _ = desktop.sign_in("demo", "demo").ends(0);
        let agent = desktop.start_latchkey(&["agent"], "");
        let _ = agent.first_line();
        let figures = [Service::Keychain, Service::Bus].map(|service| {
            let slowest = (0..rounds).map(|_| recovery(&mut desktop, service)).max().unwrap_or_default();
            Figure {
                what: format!("an agent renews after the {service:?} was restarted, slowest of {rounds}"),
                is: format!("{} ms", slowest.as_millis()),
                aim: format!("≤ {} s", WITHIN.as_secs()),
                reached: slowest <= WITHIN,
            }
        });
        signal(agent.id(), Signal::TERM);
        let _ = agent.done();
        figures.to_vec()
    })
}

/// From the service's return to the end of the first renewal.
#[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
fn recovery(desktop: &mut Desktop, service: Service) -> Duration {
    match service {
        Service::Keychain => {
            desktop.kill_keychain();
            let refused = desktop.latchkey(&["renew", "demo"]);
            assert_ne!(refused.code, Some(0), "it renewed without a keychain");
            desktop.start_keychain();
        }
        Service::Bus => desktop.restart_bus(),
    }
    let back = Instant::now();
    until("a renewal", PATIENCE, || (desktop.latchkey(&["renew", "demo"]).code == Some(0)).then_some(()));
    back.elapsed()
}
