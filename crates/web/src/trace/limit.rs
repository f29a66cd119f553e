//! How many traces a minute has: whoever sends wrong requests without end must not fill the database.

use std::collections::HashMap;

use crate::Network;

/// Traces of one network and of all, in a minute.
const OF_A_NETWORK: u32 = 60;
const OF_ALL: u32 = 300;

/// What was noted in this minute.
#[derive(Default)]
pub struct Limit {
    minute: u64,
    all: u32,
    networks: HashMap<Network, u32>,
}

impl Limit {
    /// Whether another may be noted, which then counts.
    pub fn admits(&mut self, network: Network, minute: u64) -> bool {
        if minute != self.minute {
            *self = Limit { minute, ..Limit::default() };
        }
        if self.all >= OF_ALL {
            return false;
        }
        let own = self.networks.entry(network).or_default();
        // This machine may be a proxy, behind which everybody is.
        if *own >= OF_A_NETWORK && !network.is_loopback() {
            return false;
        }
        *own += 1;
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(number: u32) -> Network {
        Network::of(std::net::IpAddr::from((0x0a00_0000 + number).to_be_bytes()))
    }

    #[test]
    fn a_network_and_all_of_them_have_their_share_of_a_minute() {
        let mut limit = Limit::default();
        let admitted = |limit: &mut Limit, own: u32, minute| {
            (0..1000).filter(|_| limit.admits(network(own), minute)).count()
        };
        assert_eq!(admitted(&mut limit, 1, 0), 60);
        assert_eq!((2..50).map(|own| admitted(&mut limit, own, 0)).sum::<usize>(), 240);
        assert_eq!(admitted(&mut limit, 1, 1), 60);
    }
}
