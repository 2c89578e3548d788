//! Changes of the network as the kernel tells them (rtnetlink(7)).
//!
//! Only that something changed is wanted, so of each message the first few bytes are read and no attribute. IPv6
//! addresses are left out: routers renew their lifetimes every few minutes, and a change of theirs shows in the
//! routes. A link counts when its flags changed: wireless drivers tell of every scan as well.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use super::CALM;
use crate::ports::Clock;

// linux/rtnetlink.h
const RTMGRP_LINK: u32 = 0x1;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTMGRP_IPV4_ROUTE: u32 = 0x40;
const RTMGRP_IPV6_ROUTE: u32 = 0x400;
const RTM_NEWLINK: u16 = 16;
/// Where `ifi_change` stands in a link message: after `struct nlmsghdr` (16 bytes) and three fields of
/// `struct ifinfomsg` (12 bytes).
const CHANGED_FLAGS: std::ops::Range<usize> = 28..32;

/// Listens for changes from now on.
// tokio's successor of `with_interest` is `unsafe`; see `clock/linux.rs`.
#[allow(deprecated, reason = "sound for an `OwnedFd`, and the successor is `unsafe`")]
pub(super) fn listen() -> io::Result<AsyncFd<OwnedFd>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // No protocol by number is the first, which is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    let groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// Tells each change: the first at once, and once more when those that came with it have calmed down. Ends when the
/// socket can be used no more.
pub(super) async fn pass_on(socket: &AsyncFd<OwnedFd>, tell: &watch::Sender<u64>, clock: &dyn Clock) {
    loop {
        let Ok(mut ready) = socket.readable().await else { return };
        let Ok(changed) = drain(socket.get_ref()) else { return };
        ready.clear_ready();
        drop(ready);
        if changed {
            let told = || tell.send_modify(|changes| *changes = changes.wrapping_add(1));
            told();
            clock.sleep_until(clock.now().boot.saturating_add(CALM)).await;
            match drain(socket.get_ref()) {
                Ok(true) => told(),
                Ok(false) => {}
                Err(_) => return,
            }
        }
    }
}

/// Reads all there is; tells whether any of it is a change.
fn drain(socket: &OwnedFd) -> Result<bool, Errno> {
    let mut changed = false;
    let mut message = [0; 64];
    loop {
        // The rest of a longer message is dropped by the kernel.
        match recv(socket, &mut message, RecvFlags::empty()) {
            Ok((_, 0)) | Err(Errno::AGAIN) => return Ok(changed),
            Ok((_, length)) => changed |= message.get(..length.min(message.len())).is_none_or(is_change),
            Err(Errno::INTR) => {}
            // More came than the socket holds: something changed, whatever it was.
            Err(Errno::NOBUFS) => changed = true,
            Err(error) => return Err(error),
        }
    }
}

/// Whether a message tells of a change. One that is too short to be looked at does.
fn is_change(message: &[u8]) -> bool {
    let kind = message.get(4..6).and_then(|kind| kind.try_into().ok()).map(u16::from_ne_bytes);
    kind != Some(RTM_NEWLINK) || message.get(CHANGED_FLAGS).is_none_or(|flags| flags != [0; 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_kernel_lets_us_listen() {
        let socket = listen().unwrap();
        assert!(drain(socket.get_ref()).is_ok());
    }

    #[test]
    fn a_link_whose_flags_stay_is_no_change_and_everything_else_is() {
        let message = |kind: u16, flags: u8| {
            let mut message = [0; 64];
            message[4..6].copy_from_slice(&kind.to_ne_bytes());
            message[28] = flags;
            message
        };
        assert!(!is_change(&message(RTM_NEWLINK, 0)), "a scan of a wireless driver");
        assert!(is_change(&message(RTM_NEWLINK, 1)), "a cable");
        for other in [17, 20, 21, 24, 25] {
            assert!(is_change(&message(other, 0)), "{other}");
        }
        assert!(is_change(&[]));
    }
}
