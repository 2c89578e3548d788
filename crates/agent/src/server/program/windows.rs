//! Windows: the process is held by a handle, which keeps its number and its executable's name from being another's. The
//! file of a running program cannot be replaced there.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use latchkey_engine::consumers::{Consumer, FileMark, Program};
use latchkey_windows::process::Process;

use crate::socket::Peer;

/// What the terminal programs are called, beside whichever program serves.
const OURS: [&str; 2] = ["latchkey.exe", "latchkey-cli.exe"];
/// How many of ours may stand between the agent and whoever asks: the small program starts the full one.
const MOST_OF_OURS: usize = 2;

/// The process at the other end of a connection, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Caller {
    process: Option<Process>,
    pid: Option<u32>,
    /// Read when somebody wants to know, once.
    consumer: OnceLock<Arc<Consumer>>,
}

impl Caller {
    /// Holds the process at the other end of this pipe.
    pub(crate) fn hold<S>(_: &S, peer: Peer) -> Self {
        Self { process: peer.process, pid: peer.pid, consumer: OnceLock::new() }
    }

    /// Who that is, for the ledger.
    pub(crate) fn consumer(&self) -> Arc<Consumer> {
        self.consumer.get_or_init(|| Arc::new(self.read())).clone()
    }

    /// The process itself, also where that is one of ours: `latchkey proxy` uses tokens and hands none on.
    pub(crate) fn itself(&self) -> Arc<Consumer> {
        Arc::new(Consumer { pid: self.pid, program: self.process.as_ref().and_then(program) })
    }

    /// Whether it is Latchkey's own terminal program.
    pub(crate) fn is_ours(&self) -> bool {
        self.process.as_ref().and_then(program).is_some_and(|program| is_ours(&program))
    }

    /// Whether it is the person who asks: in a terminal, by Latchkey's own program.
    pub(crate) fn may_be_the_person(&self) -> bool {
        self.is_ours()
    }

    fn read(&self) -> Consumer {
        let Some(caller) = &self.process else { return Consumer { pid: self.pid, program: None } };
        // Our own terminal program asks for somebody else: for whoever started it.
        let mut started_by: Option<Process> = None;
        for _ in 0..MOST_OF_OURS {
            let process = started_by.as_ref().unwrap_or(caller);
            let parent = program(process).filter(is_ours).and_then(|_| process.parent());
            let Some(parent) = parent else { break };
            started_by = Some(parent);
        }
        let process = started_by.as_ref().unwrap_or(caller);
        Consumer { pid: Some(process.pid()), program: program(process) }
    }
}

fn program(process: &Process) -> Option<Program> {
    let path = process.executable().ok()?;
    let file = FileMark::of(&fs::metadata(&path).ok()?);
    Some(Program { path, file })
}

/// Whether this is a terminal program that belongs to the one that serves: itself, or one beside it.
fn is_ours(program: &Program) -> bool {
    let own = std::env::current_exe().and_then(fs::canonicalize).ok();
    let path = fs::canonicalize(&program.path).ok();
    let (Some(own), Some(path)) = (own, path) else { return false };
    let named = |name: &str| path.file_name().is_some_and(|file| file.eq_ignore_ascii_case(name));
    path == own || path.parent() == own.parent().map(Path::new) && OURS.into_iter().any(named)
}
