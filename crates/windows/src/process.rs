//! Processes that are held, so that their numbers cannot become other processes'.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::io::{AsHandle, AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle};
use std::path::PathBuf;

use windows_sys::Win32::Foundation::{FILETIME, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW,
};

use crate::checked;

/// The longest path there is, in UTF-16.
const LONGEST_PATH: u32 = 32_768;

/// A process: its number is nobody else's as long as this lives.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    handle: OwnedHandle,
}

impl Process {
    /// Holds the process that has this number now.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: it takes numbers alone.
        let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just opened, and is nobody else's.
        Ok(Self { pid, handle: unsafe { OwnedHandle::from_raw_handle(handle) } })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The executable that it runs.
    ///
    /// # Errors
    /// What the system says.
    pub fn executable(&self) -> io::Result<PathBuf> {
        let mut letters = vec![0; LONGEST_PATH as usize];
        let mut length = LONGEST_PATH;
        let handle = self.handle.as_raw_handle();
        // SAFETY: the handle is open, and the place as long as is said.
        checked(unsafe {
            QueryFullProcessImageNameW(handle, PROCESS_NAME_WIN32, letters.as_mut_ptr(), &raw mut length)
        })?;
        letters.truncate(length as usize);
        Ok(OsString::from_wide(&letters).into())
    }

    /// The process that started it, if that still lives.
    pub fn parent(&self) -> Option<Self> {
        let parent = Self::open(parent_of(self.pid)?).ok()?;
        // Whoever has that number now and came later is another one.
        (parent.started().ok()? <= self.started().ok()?).then_some(parent)
    }

    /// When it began, in units of 100 ns since 1601.
    fn started(&self) -> io::Result<u64> {
        let nothing = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
        let (mut started, mut ended, mut kernel, mut user) = (nothing, nothing, nothing, nothing);
        let handle = self.handle.as_raw_handle();
        // SAFETY: the handle is open, and the four places are there.
        checked(unsafe {
            GetProcessTimes(handle, &raw mut started, &raw mut ended, &raw mut kernel, &raw mut user)
        })?;
        Ok(u64::from(started.dwHighDateTime) << 32 | u64::from(started.dwLowDateTime))
    }
}

impl AsHandle for Process {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }
}

/// The number of the process that started this one; it may be another's by now.
fn parent_of(pid: u32) -> Option<u32> {
    // SAFETY: it takes numbers alone.
    let all = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if all == INVALID_HANDLE_VALUE {
        return None;
    }
    // SAFETY: it was just made, and is nobody else's.
    let all = unsafe { OwnedHandle::from_raw_handle(all) };
    let mut entry = PROCESSENTRY32W {
        dwSize: u32::try_from(size_of::<PROCESSENTRY32W>()).ok()?,
        ..PROCESSENTRY32W::default()
    };
    // SAFETY: the entry says how long it is.
    let mut found = unsafe { Process32FirstW(all.as_raw_handle(), &raw mut entry) };
    while found != 0 {
        if entry.th32ProcessID == pid {
            return Some(entry.th32ParentProcessID);
        }
        // SAFETY: as above.
        found = unsafe { Process32NextW(all.as_raw_handle(), &raw mut entry) };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_told_by_its_executable() {
        let this = Process::open(std::process::id()).unwrap();
        let executable = this.executable().unwrap();
        assert_eq!(executable.file_name(), std::env::current_exe().unwrap().file_name());
    }

    #[test]
    fn a_process_is_started_by_its_parent() {
        let mut child = Command::new("cmd.exe")
            .args(["/c", "set /p waits="])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let parent = Process::open(child.id()).unwrap().parent();
        assert_eq!(parent.map(|parent| parent.pid()), Some(std::process::id()));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
