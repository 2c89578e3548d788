//! Named pipes that only one user may open: both ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::windows::fs::OpenOptionsExt as _;
use std::os::windows::io::{AsHandle, AsRawHandle as _, BorrowedHandle, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_PIPE_BUSY, INVALID_HANDLE_VALUE,
    WAIT_TIMEOUT,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX, ReadFile,
    SECURITY_IDENTIFICATION, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, GetOverlappedResultEx, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, GetNamedPipeClientProcessId, GetNamedPipeServerProcessId, PIPE_READMODE_BYTE,
    PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, WaitNamedPipeW,
};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE};

use crate::user::{Local, User};
use crate::{checked, wide};

/// How much the system keeps for each direction, in bytes. An answer of usual length fits.
const BUFFER: u32 = 16 * 1024;
/// How long to wait for the serving end where all instances are taken at the moment, in milliseconds.
const BUSY: u32 = 5000;

/// Makes an instance of a pipe that this user alone may open, and nobody from another machine.
///
/// # Errors
/// `PermissionDenied` when `first` and there is a pipe of this name, or when another user's is; whatever else the system says.
pub fn create(name: &str, first: bool) -> io::Result<OwnedHandle> {
    let user = User::current()?;
    // The owner, and one entry in the list: everything, for that user. `P`: nothing is inherited.
    let rules = wide(&format!("O:{id}D:P(A;;GA;;;{id})", id = user.id()));
    let mut descriptor = null_mut();
    // SAFETY: the text ends with a zero.
    checked(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rules.as_ptr(),
            SDDL_REVISION_1,
            &raw mut descriptor,
            null_mut(),
        )
    })?;
    let freed = Local(descriptor);
    let attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or_default(),
        lpSecurityDescriptor: descriptor,
        bInheritHandle: 0,
    };
    let name = wide(name);
    let first = if first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
    // SAFETY: the name ends with a zero, and the descriptor lives until it is dropped below.
    let handle = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | first,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            BUFFER,
            BUFFER,
            0,
            &raw const attributes,
        )
    };
    let made = if handle == INVALID_HANDLE_VALUE { Err(io::Error::last_os_error()) } else { Ok(handle) };
    drop(freed);
    // SAFETY: it was just made, and is nobody else's.
    made.map(|handle| unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Lets tokio wait on an instance. Must be called within a runtime.
///
/// # Errors
/// What the system says.
#[cfg(feature = "server")]
pub fn wait_on(instance: OwnedHandle) -> io::Result<tokio::net::windows::named_pipe::NamedPipeServer> {
    use std::os::windows::io::IntoRawHandle as _;
    // SAFETY: whoever has an `OwnedHandle` of `create` has the only one, for overlapped use; another handle is refused.
    unsafe { tokio::net::windows::named_pipe::NamedPipeServer::from_raw_handle(instance.into_raw_handle()) }
}

/// The process at the asking end of an instance.
///
/// # Errors
/// What the system says.
pub fn client_pid(instance: &impl AsHandle) -> io::Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open as long as it is borrowed.
    checked(unsafe { GetNamedPipeClientProcessId(instance.as_handle().as_raw_handle(), &raw mut pid) })?;
    Ok(pid)
}

/// The asking end: blocks, and not for longer than it is told to.
#[derive(Debug)]
pub struct Stream {
    pipe: File,
    /// Set by the system when a transfer is over.
    over: OwnedHandle,
    read_within: Option<Duration>,
    write_within: Option<Duration>,
}

impl Stream {
    /// Opens the pipe of this name.
    ///
    /// # Errors
    /// `NotFound` when there is none; `PermissionDenied` when it is another user's; whatever else the system says.
    pub fn connect(name: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // Whoever serves may see who asks, and not act as them.
        options
            .read(true)
            .write(true)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            .security_qos_flags(SECURITY_IDENTIFICATION);
        let pipe = match options.open(name) {
            Err(error) if is(&error, ERROR_PIPE_BUSY) => {
                let name_ = wide(name);
                // SAFETY: the name ends with a zero.
                checked(unsafe { WaitNamedPipeW(name_.as_ptr(), BUSY) })?;
                options.open(name)?
            }
            opened => opened?,
        };
        Self::of(pipe)
    }

    fn of(pipe: File) -> io::Result<Self> {
        // SAFETY: nothing but numbers and nulls is given.
        let over = unsafe { CreateEventW(null(), 1, 0, null()) };
        if over.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was just made, and is nobody else's.
        let over = unsafe { OwnedHandle::from_raw_handle(over) };
        Ok(Self { pipe, over, read_within: None, write_within: None })
    }

    /// How long a read may take; `None`: for ever.
    ///
    /// # Errors
    /// None: it is one so that it can be called as a socket's.
    pub fn set_read_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.read_within = within;
        Ok(())
    }

    /// How long a write may take; `None`: for ever.
    ///
    /// # Errors
    /// None: it is one so that it can be called as a socket's.
    pub fn set_write_timeout(&mut self, within: Option<Duration>) -> io::Result<()> {
        self.write_within = within;
        Ok(())
    }

    /// The process at the serving end.
    ///
    /// # Errors
    /// What the system says.
    pub fn server_pid(&self) -> io::Result<u32> {
        let mut pid = 0;
        // SAFETY: the handle is open.
        checked(unsafe { GetNamedPipeServerProcessId(self.pipe.as_raw_handle(), &raw mut pid) })?;
        Ok(pid)
    }

    /// Waits for the end of a transfer that `begin` began, and gives its length. When this is back, the system uses
    /// neither the transfer nor its place any more.
    fn transferred(
        &self,
        within: Option<Duration>,
        begin: impl FnOnce(*mut OVERLAPPED) -> i32,
    ) -> io::Result<usize> {
        let mut transfer = OVERLAPPED { hEvent: self.over.as_raw_handle(), ..OVERLAPPED::default() };
        let transfer = &raw mut transfer;
        if let Err(error) = checked(begin(transfer))
            && !is(&error, ERROR_IO_PENDING)
        {
            return Err(error);
        }
        let pipe = self.pipe.as_raw_handle();
        let milliseconds =
            within.map_or(INFINITE, |within| u32::try_from(within.as_millis()).unwrap_or(INFINITE - 1));
        let mut length = 0;
        // SAFETY: the transfer was begun on this pipe and lives until this returns.
        let ended =
            checked(unsafe { GetOverlappedResultEx(pipe, transfer, &raw mut length, milliseconds, 0) });
        if let Err(error) = ended {
            if !is(&error, WAIT_TIMEOUT) && !is(&error, ERROR_IO_INCOMPLETE) {
                return Err(error);
            }
            // SAFETY: as above. It may be over by now, which is no error.
            unsafe { CancelIoEx(pipe, transfer) };
            // SAFETY: as above. Until it is over, for only then the place is ours again.
            if unsafe { GetOverlappedResult(pipe, transfer, &raw mut length, 1) } == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(length as usize)
    }
}

impl Read for Stream {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let most = u32::try_from(place.len()).unwrap_or(u32::MAX);
        let (pipe, place) = (self.pipe.as_raw_handle(), place.as_mut_ptr());
        let read = self.transferred(self.read_within, |transfer| {
            // SAFETY: the place is as long as is said, and is used until `transferred` returns at the latest.
            unsafe { ReadFile(pipe, place, most, null_mut(), transfer) }
        });
        match read {
            // The serving end is closed, and everything was read.
            Err(error) if is(&error, ERROR_BROKEN_PIPE) => Ok(0),
            read => read,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let most = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (pipe, bytes) = (self.pipe.as_raw_handle(), bytes.as_ptr());
        self.transferred(self.write_within, |transfer| {
            // SAFETY: the bytes are as many as is said, and are used until `transferred` returns at the latest.
            unsafe { WriteFile(pipe, bytes, most, null_mut(), transfer) }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsHandle for Stream {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(of: &str) -> String {
        format!(r"\\.\pipe\latchkey-test-{of}-{}", std::process::id())
    }

    #[test]
    fn a_name_is_taken_once_and_free_again() {
        let name = name("once");
        let first = create(&name, true).unwrap();
        assert!(create(&name, true).is_err());
        let second = create(&name, false).unwrap();
        drop((first, second));
        assert!(create(&name, true).is_ok());
    }

    #[test]
    fn both_ends_tell_the_process_and_the_user_at_the_other() {
        let name = name("ends");
        assert_eq!(Stream::connect(&name).unwrap_err().kind(), io::ErrorKind::NotFound);
        let server = create(&name, true).unwrap();
        let client = Stream::connect(&name).unwrap();
        assert_eq!(client.server_pid().unwrap(), std::process::id());
        assert_eq!(client_pid(&server).unwrap(), std::process::id());
        assert_eq!(User::owning(&client).unwrap(), User::current().unwrap());
    }

    #[test]
    fn whoever_waits_in_vain_is_told_and_what_was_written_before_the_end_is_read() {
        let name = name("wait");
        let server = create(&name, true).unwrap();
        let mut client = Stream::connect(&name).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let waited = client.read(&mut [0; 8]).unwrap_err();
        assert_eq!(waited.kind(), io::ErrorKind::TimedOut);
        client.write_all(b"question").unwrap();
        let mut other = Stream::of(File::from(server)).unwrap();
        let mut asked = [0; 8];
        other.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"question");
        other.write_all(b"answer").unwrap();
        drop(other);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
    }
}
