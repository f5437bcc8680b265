//! Addresses of the loopback network for the nodes of one lab: `127.A.B.11` and up for control planes, `.101` and up for
//! workers. Labs of other people, and of other tests, have other networks.

use super::LabError;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Networks that are tried before giving up.
const TRIES: u32 = 200;

/// The first 24 bits of a lab's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network(u8, u8);

impl Network {
    /// A network that nobody listens in, found by asking for the ports that the first control plane needs.
    pub(super) fn free(ports: &[u16]) -> Result<Self, LabError> {
        let start = rand::random::<u32>();
        (0..TRIES)
            .map(|step| Self::nth(start.wrapping_add(step)))
            .find(|n| n.is_free(ports))
            .ok_or(LabError::NoAddress)
    }

    /// 127.16.0 to 127.255.255: others put things at 127.0.0.x and 127.0.1.1.
    fn nth(n: u32) -> Self {
        let [_, _, low, lowest] = n.to_be_bytes();
        Self(16 + low % 240, lowest)
    }

    fn is_free(self, ports: &[u16]) -> bool {
        let address = self.control_plane(0);
        ports.iter().all(|port| TcpListener::bind(SocketAddr::from((address, *port))).is_ok())
    }

    /// The n-th control plane, from 0.
    pub(super) fn control_plane(self, n: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.0, self.1, 11 + n)
    }

    /// The n-th worker, from 0.
    pub(super) fn worker(self, n: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.0, self.1, 101 + n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_in_use_is_not_taken() {
        let network = Network::free(&[2222]).unwrap();
        assert!(network.control_plane(0).is_loopback());
        let _listener = TcpListener::bind((network.control_plane(0), 2222)).unwrap();
        assert!(!network.is_free(&[6443, 2222]));
        assert_ne!(network.control_plane(6), network.worker(0));
    }
}
