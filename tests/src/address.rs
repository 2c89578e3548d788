//! An address of this machine that one test has for itself.
//!
//! Tests run beside each other in many processes. Where a server goes away and may come back, its port would be free
//! in between: the next test that asks for any port gets it, and with it the requests that were meant for the first.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// An address with a port that nobody else is given as long as this exists. Whoever connects is refused until the
/// test itself listens there.
#[derive(Debug)]
pub struct Address {
    at: SocketAddr,
    _held: TcpSocket,
}

impl Address {
    /// An address on loopback.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn of_its_own() -> Self {
        let held = TcpSocket::new_v4().unwrap();
        // Bound but not listening: Linux gives the port to nobody who asks for any, and to those who reuse addresses,
        // as listeners do, when they ask for this very one.
        held.set_reuseaddr(true).unwrap();
        held.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self { at: held.local_addr().unwrap(), _held: held }
    }

    /// Where to listen, and where to connect to.
    pub fn at(&self) -> SocketAddr {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_server_may_come_and_go_at_an_address_and_in_between_nobody_is_there() {
        let address = Address::of_its_own();
        for _ in 0..3 {
            let refused = TcpStream::connect(address.at()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(address.at()).await.unwrap();
            let (there, here) = tokio::join!(TcpStream::connect(address.at()), listener.accept());
            // Closed here first, which is what keeps the port of a server busy for a while.
            drop(here.unwrap());
            drop(there.unwrap());
        }
    }
}
