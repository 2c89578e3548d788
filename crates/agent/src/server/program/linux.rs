//! Linux: the process is held by the pidfd that the socket gives (`SO_PEERPIDFD`, Linux 6.5), and read in `/proc`.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use latchkey_engine::consumers::{Consumer, FileMark, Program};
use nix::sys::socket::{getsockopt, sockopt::PeerPidfd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::socket::{Peer, stat_of};

/// What the terminal programs are called, beside whichever program serves.
const OURS: [&str; 2] = ["latchkey", "latchkey-cli"];

/// A process that cannot be told.
const NOBODY: Consumer = Consumer { pid: None, program: None };

/// The process at the other end of a connection, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Caller {
    process: Option<Process>,
    /// Read when somebody wants to know, once.
    consumer: OnceLock<Arc<Consumer>>,
}

impl Caller {
    /// Holds the process at the other end of this socket.
    pub(crate) fn hold(stream: &impl AsFd, peer: Peer) -> Self {
        let pid = peer.pid.and_then(Pid::from_raw);
        let process = pid.and_then(|pid| {
            // Before Linux 6.5 the pid itself is all there is. Whoever connects, hands the connection to another
            // process and ends, all before it is accepted, could then pass for a process that came after it.
            let fd = getsockopt(stream, PeerPidfd).ok();
            let fd = fd.or_else(|| pidfd_open(pid, PidfdFlags::empty()).ok())?;
            Some(Process { pid, fd })
        });
        Self { process, consumer: OnceLock::new() }
    }

    /// Who that is, for the ledger.
    pub(crate) fn consumer(&self) -> Arc<Consumer> {
        self.consumer.get_or_init(|| Arc::new(self.read())).clone()
    }

    /// The process itself, also where that is one of ours: `latchkey proxy` uses tokens and hands none on.
    pub(crate) fn itself(&self) -> Arc<Consumer> {
        Arc::new(self.process.as_ref().map_or(NOBODY, Process::consumer))
    }

    /// Whether it is Latchkey's own terminal program.
    pub(crate) fn is_ours(&self) -> bool {
        self.process.as_ref().and_then(Process::program).is_some_and(|program| is_ours(&program))
    }

    /// Whether it is the person who asks: in a terminal, by Latchkey's own program.
    pub(crate) fn may_be_the_person(&self) -> bool {
        self.is_ours()
    }

    fn read(&self) -> Consumer {
        let Some(caller) = &self.process else { return NOBODY };
        // Our own terminal program asks for somebody else: for whoever started it.
        let parent = caller.program().filter(is_ours).and_then(|_| caller.parent());
        parent.as_ref().unwrap_or(caller).consumer()
    }
}

/// A process that is held: its pid is nobody else's while [`Process::lives`].
#[derive(Debug)]
struct Process {
    pid: Pid,
    fd: OwnedFd,
}

impl Process {
    /// A pidfd can be read from once its process has ended.
    fn lives(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ended| ended == 0)
    }

    fn proc(&self, what: &str) -> PathBuf {
        Path::new("/proc").join(self.pid.as_raw_nonzero().to_string()).join(what)
    }

    /// Its executable, where that is the file that stands at its path here.
    fn program(&self) -> Option<Program> {
        if fs::read_link(self.proc("ns/pid")).ok()? != *own_pid_namespace()? {
            return None;
        }
        let path = fs::read_link(self.proc("exe")).ok()?;
        // What runs, even if its path now leads elsewhere: then it was deleted, replaced, never had a path, or lies
        // in another mount namespace.
        let runs = fs::metadata(self.proc("exe")).ok()?;
        let stands = fs::metadata(&path).ok()?;
        let same = (runs.dev(), runs.ino()) == (stands.dev(), stands.ino());
        let file = FileMark::of(&runs);
        (same && self.lives()).then_some(Program { path, file })
    }

    /// Who that is, for the ledger.
    fn consumer(&self) -> Consumer {
        let pid = u32::try_from(self.pid.as_raw_nonzero().get()).ok();
        Consumer { pid, program: self.program() }
    }

    /// The process that started it, if that still lives.
    fn parent(&self) -> Option<Self> {
        let pid = self.parent_pid()?;
        let fd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // A process whose parent ends gets another one: it is the same, so the parent is held.
        (self.parent_pid()? == pid && self.lives()).then_some(Self { pid, fd })
    }

    fn parent_pid(&self) -> Option<Pid> {
        let stat = stat_of(self.pid.as_raw_nonzero().get())?;
        Pid::from_raw(stat.split_whitespace().nth(1)?.parse().ok()?)
    }
}

fn own_pid_namespace() -> Option<&'static PathBuf> {
    static OWN: OnceLock<Option<PathBuf>> = OnceLock::new();
    OWN.get_or_init(|| fs::read_link("/proc/self/ns/pid").ok()).as_ref()
}

/// Whether this is a terminal program that belongs to the one that serves: itself, or one beside it.
fn is_ours(program: &Program) -> bool {
    static OWN: OnceLock<Vec<FileMark>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        let runs = Path::new("/proc/self/exe");
        let path = fs::read_link(runs).ok();
        let beside = path.into_iter().flat_map(|path| OURS.map(|name| path.with_file_name(name)));
        std::iter::once(runs.to_owned())
            .chain(beside)
            .filter_map(|path| fs::metadata(path).ok())
            .map(|found| FileMark::of(&found))
            .collect()
    });
    own.contains(&program.file)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::process::{Command, Stdio};

    use super::*;

    fn caller_of(stream: &UnixStream) -> Caller {
        Caller::hold(stream, Peer::of(stream).unwrap())
    }

    #[test]
    fn the_operating_system_says_which_program_asks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let program = "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0])); sysread($s, my $x, 1)";
        let mut perl = Command::new("perl").args(["-e", program]).arg(&path).spawn().unwrap();
        let (stream, _) = listener.accept().unwrap();
        let consumer = caller_of(&stream).consumer();
        assert_eq!(consumer.pid, Some(perl.id()));
        assert!(consumer.program.as_ref().unwrap().path.ends_with("perl"), "{consumer:?}");
        drop(stream);
        perl.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_gone_is_nobody_whoever_has_its_pid_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let program =
            "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0]));";
        let mut perl = Command::new("perl").args(["-e", program]).arg(&path).spawn().unwrap();
        let (stream, _) = listener.accept().unwrap();
        perl.wait().unwrap();
        assert_eq!(caller_of(&stream).consumer().program, None);
    }

    #[test]
    fn a_pid_that_another_process_has_by_now_leads_nowhere() {
        let mut child = Command::new("/bin/true").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let fd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        child.wait().unwrap();
        let process = Process { pid: rustix::process::getpid(), fd };
        assert_eq!(process.program(), None);
        assert!(process.parent().is_none());
    }

    #[test]
    fn who_serves_is_ours_and_asks_for_whoever_started_it() {
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let caller = caller_of(&theirs);
        assert!(caller.is_ours());
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero().get();
        assert_eq!(caller.consumer().pid, u32::try_from(parent).ok());
    }

    #[test]
    fn a_program_that_was_replaced_while_it_runs_is_not_taken_for_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::copy("/bin/cat", &program).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut child = Command::new(&program)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let process = Process { pid, fd: pidfd_open(pid, PidfdFlags::empty()).unwrap() };
        assert_eq!(process.program().unwrap().path, program);
        assert_eq!(process.parent().unwrap().pid, rustix::process::getpid());
        fs::rename(&program, folder.path().join("old")).unwrap();
        fs::copy("/bin/cat", &program).unwrap();
        // The kernel knows where the file went; another file in its place does not take its name.
        assert_ne!(process.program().map(|program| program.path), Some(program));
        fs::remove_file(folder.path().join("old")).unwrap();
        assert_eq!(process.program(), None);
        // This is how the kernel names what was deleted, and anybody may make a file of that name.
        fs::copy("/bin/cat", folder.path().join("old (deleted)")).unwrap();
        assert_eq!(process.program(), None);
        drop(ours);
        child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
        child.wait().unwrap();
    }
}
