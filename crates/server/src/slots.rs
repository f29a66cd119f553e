//! How many connections at once, and how many of them one party may have.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use signet_store::stats::Counter;
use signet_web::Network;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Connections at once, whatever the limits of the process.
const MOST: usize = 10_000;
/// Connections at once, however small the limits of the process.
const LEAST: usize = 16;
/// Open files left for databases, the log and the control socket.
const RESERVED: usize = 100;
/// Connections of one network at once.
const MOST_OF_ONE: usize = 512;
/// The soft limit of open files where it cannot be read; the usual one.
const USUAL_FILES: usize = 1024;

/// The connections that may be open at once. Beyond them, new ones wait to be accepted.
pub struct Slots {
    all: usize,
    vacant: Arc<Semaphore>,
    taken: Mutex<HashMap<Network, usize>>,
    refused: Counter,
}

/// A slot of one connection, free again when dropped.
pub struct Slot {
    slots: Arc<Slots>,
    network: Network,
    _vacancy: OwnedSemaphorePermit,
}

impl Slots {
    /// As many as the process may open files for.
    pub fn of_this_process() -> Arc<Slots> {
        Slots::new(connections(&fs::read_to_string("/proc/self/limits").unwrap_or_default()))
    }

    /// So many.
    pub fn new(all: usize) -> Arc<Slots> {
        let vacant = Arc::new(Semaphore::new(all));
        Arc::new(Slots { all, vacant, taken: Mutex::default(), refused: Counter::default() })
    }

    /// How many are taken.
    pub fn open(&self) -> usize {
        self.taken().values().sum()
    }

    /// How often a network that had its share was refused.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// How many there are.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Waits until one is vacant.
    pub async fn vacancy(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.vacant).acquire_owned().await
    }

    /// Gives a vacant slot to `network`; `None` if it has its share: a quarter of all, and 512 at most.
    ///
    /// A proxy speaks for everybody, so those that are trusted have no share, and neither has this machine.
    pub fn take(
        self: &Arc<Self>,
        vacancy: OwnedSemaphorePermit,
        network: Network,
        is_proxy: bool,
    ) -> Option<Slot> {
        let share = (self.all / 4).min(MOST_OF_ONE);
        let mut taken = self.taken();
        let own = taken.entry(network).or_default();
        if *own >= share && !is_proxy && !network.is_loopback() {
            self.refused.inc();
            return None;
        }
        *own += 1;
        Some(Slot { slots: Arc::clone(self), network, _vacancy: vacancy })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        if let Some(own) = taken.get_mut(&self.network) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

/// How many connections the soft limit of open files leaves room for, in the words of `/proc/self/limits`.
fn connections(limits: &str) -> usize {
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let files = match soft {
        Some("unlimited") => usize::MAX,
        Some(number) => number.parse().unwrap_or(USUAL_FILES),
        None => USUAL_FILES,
    };
    files.saturating_sub(RESERVED).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(slots: &Arc<Slots>, address: &str) -> Option<Slot> {
        let vacancy = slots.vacancy().await.unwrap();
        slots.take(vacancy, Network::of(address.parse().unwrap()), address.starts_with("10."))
    }

    #[tokio::test]
    async fn one_network_has_a_quarter() {
        let slots = Slots::new(16);
        let mut own = Vec::new();
        for address in ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"] {
            own.push(take(&slots, address).await.unwrap());
        }
        assert!(take(&slots, "2001:db8::5").await.is_none(), "the same /64");
        assert!(take(&slots, "2001:db8:0:1::1").await.is_some(), "another /64");
        assert!(take(&slots, "192.0.2.1").await.is_some());
        assert_eq!((slots.open(), slots.refused()), (4, 1));
        assert_eq!(slots.vacant.available_permits(), 12, "what is refused or over takes no slot");
        own.pop();
        assert!(take(&slots, "2001:db8::5").await.is_some());
        own.clear();
        assert!(slots.taken().is_empty(), "who is gone is forgotten");
    }

    #[tokio::test]
    async fn no_network_has_more_than_512() {
        let slots = Slots::new(MOST);
        let mut own = Vec::new();
        while let Some(slot) = take(&slots, "192.0.2.1").await {
            own.push(slot);
        }
        assert_eq!(own.len(), 512);
    }

    #[tokio::test]
    async fn this_machine_and_trusted_proxies_may_have_all_of_them() {
        for address in ["127.0.0.1", "10.0.0.1"] {
            let slots = Slots::new(16);
            let mut own = Vec::new();
            for _ in 0..16 {
                own.push(take(&slots, address).await.unwrap());
            }
            assert!(Arc::clone(&slots.vacant).try_acquire_owned().is_err(), "and then new ones wait");
        }
    }

    #[test]
    fn there_are_as_many_as_files_may_be_open() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max processes             62513                62513                processes \n\
                 Max open files            {soft:<20} 1048576              files     \n"
            )
        };
        for (soft, expected) in
            [("1024", 924), ("65536", 10_000), ("unlimited", 10_000), ("300", 200), ("64", 16), ("what", 924)]
        {
            assert_eq!(connections(&limits(soft)), expected, "{soft}");
        }
        assert_eq!(connections(""), 924);
        assert!((LEAST..=MOST).contains(&Slots::of_this_process().all()));
    }
}
