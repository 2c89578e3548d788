//! A program that was started, and everything it started in turn: ended when the test lets go of it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use crate::wait::{Deadline, pause, until};

/// How long to wait until a group that was killed is gone. Where nobody reaps what lost its parent, it never is.
const GONE: Duration = Duration::from_secs(2);

/// A running program in a process group of its own. Dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts it; `package` is the one to name where it is not installed.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, package: &str) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().unwrap_or_else(|error| {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            assert!(!missing, "`{name}` is not installed: install it with `apt-get install {package}`");
            panic!("`{name}` cannot be started: {error}")
        });
        Self { name, child }
    }

    /// The process itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        until(&what, patience, || self.child.try_wait().unwrap())
    }

    /// Asks it to end, as Ctrl-C and a closing session do.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process_group(group(&self.child), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = group(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        // What it had started is on its way out too; whoever starts it again would still meet it on the bus.
        let end = Deadline::after(GONE);
        while test_kill_process_group(group).is_ok() && !end.passed() {
            pause();
        }
    }
}

/// Sends a signal to a process, as its number says.
///
/// # Panics
/// When there is no such process.
pub fn signal(process: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Whether a process has a file open.
pub fn has_open(process: u32, file: &Path) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    open.filter_map(Result::ok)
        .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == file))
}

/// Whether a process that nobody has waited for yet is over.
pub fn has_ended(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn group(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Sends what a program prints into a file; both its outputs.
///
/// # Panics
/// When the file cannot be made.
pub fn print_into(command: &mut Command, file: &Path) {
    let file = File::options().create(true).append(true).open(file).unwrap();
    command.stdout(file.try_clone().unwrap()).stderr(file);
}

/// Writes what a process has in memory and can write to into a file: its heaps and stacks, without what only was
/// reserved. Gives the number of bytes.
///
/// # Panics
/// When this user may not look into that process.
pub fn dump_memory(id: u32, into: &Path) -> u64 {
    const PAGE: u64 = 4096;
    /// In a page's entry (proc_pid_pagemap(5)): it is there.
    const PRESENT: u64 = 1 << 63;
    let open = |name: &str| File::open(format!("/proc/{id}/{name}")).unwrap();
    let (memory, pages) = (open("mem"), open("pagemap"));
    let mut dump = std::io::BufWriter::new(File::create(into).unwrap());
    let mut bytes = 0;
    for line in std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap().lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let Some((from, to)) = range.split_once('-').filter(|_| rights.starts_with("rw")) else { continue };
        let [from, to] = [from, to].map(|place| u64::from_str_radix(place, 16).unwrap() / PAGE);
        let mut entries = vec![0; usize::try_from((to - from) * 8).unwrap()];
        let read = pages.read_at(&mut entries, from * 8).unwrap_or(0);
        let mut page = [0; 4096];
        for (entry, number) in entries[..read].chunks_exact(8).zip(from..) {
            let there = u64::from_ne_bytes(entry.try_into().unwrap()) & PRESENT != 0;
            if there && memory.read_exact_at(&mut page, number * PAGE).is_ok() {
                dump.write_all(&page).unwrap();
                bytes += PAGE;
            }
        }
    }
    dump.flush().unwrap();
    bytes
}
