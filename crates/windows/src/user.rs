//! Which user it is, as a security identifier in letters (`S-1-5-21-…`).

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, GetSecurityInfo, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use crate::checked;
use crate::process::Process;

/// The longest identifier has 68 bytes (`SECURITY_MAX_SID_SIZE`); the structure before it has 16.
const LONGEST: usize = 128;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(String);

impl User {
    /// The one of this process.
    ///
    /// # Errors
    /// What the system says.
    pub fn current() -> io::Result<Self> {
        // SAFETY: it takes nothing, and what it gives need not be closed.
        of_token(unsafe { GetCurrentProcess() })
    }

    /// The one whose process that is.
    ///
    /// # Errors
    /// What the system says: another user's process may not be looked at, nor one with more rights.
    pub fn of(process: &Process) -> io::Result<Self> {
        of_token(process.as_handle().as_raw_handle())
    }

    /// The owner of a kernel's object, such as a pipe: whoever made it, and nobody else can be written there without
    /// an administrator's rights.
    ///
    /// # Errors
    /// What the system says.
    pub fn owning(object: &impl AsHandle) -> io::Result<Self> {
        let (mut owner, mut descriptor): (PSID, *mut c_void) = (null_mut(), null_mut());
        let handle = object.as_handle().as_raw_handle();
        // SAFETY: the handle is open as long as it is borrowed; of what is asked for, two places are given.
        let answer = unsafe {
            GetSecurityInfo(
                handle,
                SE_KERNEL_OBJECT,
                OWNER_SECURITY_INFORMATION,
                &raw mut owner,
                null_mut(),
                null_mut(),
                null_mut(),
                &raw mut descriptor,
            )
        };
        if answer != ERROR_SUCCESS {
            return Err(io::Error::from_raw_os_error(answer.cast_signed()));
        }
        let _freed = Local(descriptor);
        Self::read(owner)
    }

    /// The identifier in letters.
    pub fn id(&self) -> &str {
        &self.0
    }

    fn read(id: PSID) -> io::Result<Self> {
        if id.is_null() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut text: *mut u16 = null_mut();
        // SAFETY: `id` is one that the system gave, in memory that still lives.
        checked(unsafe { ConvertSidToStringSidW(id, &raw mut text) })?;
        let freed = Local(text.cast());
        let mut letters = Vec::new();
        loop {
            // SAFETY: the text ends with a zero, and nothing behind that is read.
            match unsafe { text.read() } {
                0 => break,
                letter => letters.push(letter),
            }
            // SAFETY: that was not its end.
            text = unsafe { text.add(1) };
        }
        drop(freed);
        Ok(Self(String::from_utf16_lossy(&letters)))
    }
}

/// The user in the token of a process.
fn of_token(process: *mut c_void) -> io::Result<User> {
    let mut token = null_mut();
    // SAFETY: both callers give the handle of a process that is open.
    checked(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: it was just opened, and is nobody else's.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // Words, so that the structure in it lies as it must.
    let mut words = [0_u64; LONGEST / 8];
    let mut length = 0;
    let size = u32::try_from(size_of_val(&words)).unwrap_or_default();
    // SAFETY: the place is as long as is said.
    checked(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            words.as_mut_ptr().cast(),
            size,
            &raw mut length,
        )
    })?;
    // SAFETY: that is what was written there; the identifier that it points to lies behind it, in `words`.
    let user = unsafe { words.as_ptr().cast::<TOKEN_USER>().read() };
    User::read(user.User.Sid)
}

/// Memory that the system gave and wants back.
pub(crate) struct Local(pub(crate) *mut c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: made only of what is to be freed in this way, and only once.
        unsafe { LocalFree(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_belongs_to_its_user() {
        let user = User::current().unwrap();
        assert!(user.id().starts_with("S-1-"), "{user:?}");
        assert_eq!(User::of(&Process::open(std::process::id()).unwrap()).unwrap(), user);
    }
}
