//! Where nothing of ours reads executables yet: a caller has a process id at most. Untried.

use std::sync::Arc;

use latchkey_engine::consumers::Consumer;

use crate::socket::Peer;

/// The process at the other end.
#[derive(Debug)]
pub(crate) struct Caller(Arc<Consumer>);

impl Caller {
    pub(crate) fn hold<S>(_: &S, peer: Peer) -> Self {
        let pid = peer.pid.and_then(|pid| u32::try_from(pid).ok());
        Self(Arc::new(Consumer { pid, program: None }))
    }

    /// Not told here, so nobody is.
    #[allow(clippy::unused_self, reason = "elsewhere the process is asked")]
    pub(crate) fn is_ours(&self) -> bool {
        false
    }

    /// Not told here, and no person is taken for a program.
    #[allow(clippy::unused_self, reason = "elsewhere the process is asked")]
    pub(crate) fn may_be_the_person(&self) -> bool {
        true
    }

    pub(crate) fn itself(&self) -> Arc<Consumer> {
        self.0.clone()
    }

    pub(crate) fn consumer(&self) -> Arc<Consumer> {
        self.0.clone()
    }
}
