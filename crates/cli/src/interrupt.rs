//! Ctrl-C and the polite end (SIGTERM): a command is asked to stop, and stops where nothing is lost.

/// Hears that somebody wishes this process to end. From its making on, such a wish does not end the process by
/// itself any more. Must be made within a tokio runtime.
pub(crate) struct Interrupt {
    #[cfg(unix)]
    signals: [Option<tokio::signal::unix::Signal>; 2],
    #[cfg(windows)]
    ctrl_c: Option<tokio::signal::windows::CtrlC>,
}

impl Interrupt {
    /// Listens from now on. A wish that cannot be listened to ends the process, as it would anyway.
    pub(crate) fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Self { signals: [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()) }
        }
        #[cfg(windows)]
        Self { ctrl_c: tokio::signal::windows::ctrl_c().ok() }
    }

    /// Returns at the next wish.
    pub(crate) async fn wished(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                () = next(interrupt) => {}
                () = next(terminate) => {}
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

#[cfg(unix)]
async fn next(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
