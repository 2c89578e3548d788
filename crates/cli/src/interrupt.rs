//! Ctrl-C, the polite end (SIGTERM) and a terminal that goes away (SIGHUP): a command is asked to stop, and stops where
//! nothing is lost.

/// Hears that somebody wishes this process to end. From its making on, such a wish does not end the process by
/// itself any more. Must be made within a tokio runtime.
pub(crate) struct Interrupt {
    #[cfg(unix)]
    signals: [Option<tokio::signal::unix::Signal>; 3],
    #[cfg(windows)]
    ctrl_c: Option<tokio::signal::windows::CtrlC>,
}

impl Interrupt {
    /// Listens from now on. A wish that cannot be listened to ends the process, as it would anyway.
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        return Self::to(!outlives_its_terminal());
        #[cfg(windows)]
        Self { ctrl_c: tokio::signal::windows::ctrl_c().ok() }
    }

    /// The same for whoever wished it before and insists: a terminal that went away insists on nothing, though shell and
    /// system both tell of it.
    pub(crate) fn listen_again() -> Self {
        #[cfg(unix)]
        return Self::to(false);
        #[cfg(windows)]
        Self::listen()
    }

    #[cfg(unix)]
    fn to(hang_up: bool) -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).ok();
        let hang_up = hang_up.then(SignalKind::hangup).and_then(listen);
        Self { signals: [listen(SignalKind::interrupt()), listen(SignalKind::terminate()), hang_up] }
    }

    /// Returns at the next wish.
    pub(crate) async fn wished(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hang_up] = &mut self.signals;
            tokio::select! {
                () = next(interrupt) => {}
                () = next(terminate) => {}
                () = next(hang_up) => {}
            }
        }
        #[cfg(windows)]
        match &mut self.ctrl_c {
            Some(wishes) => {
                wishes.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}

/// Whether this was started to go on without its terminal, as nohup(1) does it: SIGHUP is ignored then, and listening to it
/// would undo that. proc_pid_status(5) says what is ignored, as bits counted from 1.
#[cfg(target_os = "linux")]
fn outlives_its_terminal() -> bool {
    const HANG_UP: u64 = 1 << (rustix::process::Signal::HUP.as_raw() - 1);
    let ignored = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(bits.trim(), 16).ok()
    };
    // Where it is not said, the terminal ends it as ever.
    ignored().is_none_or(|ignored| ignored & HANG_UP != 0)
}

/// Elsewhere it is not looked at: the terminal ends this as ever.
#[cfg(all(unix, not(target_os = "linux")))]
fn outlives_its_terminal() -> bool {
    true
}

#[cfg(unix)]
async fn next(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
