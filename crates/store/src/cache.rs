//! Hot rows in memory.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use hashbrown::HashTable;

use crate::stats::CacheStats;

/// Entries of a cache of which nothing else is said; beyond it some other entry makes room.
const CAPACITY: usize = 4096;
/// Entries that are looked at for one that makes room; then the next goes, whether it was asked for or not.
const LOOKS: usize = 32;

/// A bounded map of values that can be read again from the database at any time.
///
/// A value is put in with the [`Ticket`] of the look-up that missed. Every removal makes earlier tickets worthless, so
/// a value read before a change is never put in after it. What was not asked for again since a hand went by makes room
/// first: a stream of values that are asked for once does not push out those that are asked for again and again.
pub struct Cache<K, V>(RwLock<State<K, V>>, CacheStats);

struct State<K, V> {
    capacity: usize,
    generation: u64,
    hasher: RandomState,
    /// Where in `slots` each key is: numbers alone, so that a look-up among many touches little memory that is cold.
    places: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    hand: usize,
}

struct Slot<K, V> {
    key: K,
    value: Arc<V>,
    asked: AtomicBool,
}

/// The right to put in what is now read from the database.
#[derive(Clone, Copy)]
pub struct Ticket(u64);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self::of(CAPACITY)
    }
}

impl<K, V> Cache<K, V> {
    /// An empty cache of at most so many entries.
    pub fn of(capacity: usize) -> Self {
        let state = State {
            capacity,
            generation: 0,
            hasher: RandomState::new(),
            places: HashTable::new(),
            slots: Vec::new(),
            hand: 0,
        };
        Self(RwLock::new(state), CacheStats::default())
    }

    /// What is counted of it.
    pub fn stats(&self) -> &CacheStats {
        &self.1
    }
}

impl<K: Clone + Eq + Hash, V> Cache<K, V> {
    /// The value, or a ticket to put it in.
    pub fn get(&self, key: &K) -> Result<Arc<V>, Ticket> {
        let state = self.read();
        let found = state.place(key).and_then(|place| state.slots.get(place));
        self.1.asked(found.is_some());
        found.map(Slot::ask).ok_or(Ticket(state.generation))
    }

    /// Keeps a value unless something was removed since the ticket was given out.
    pub fn put(&self, ticket: Ticket, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut state = self.write();
        if state.generation == ticket.0 {
            state.put(key, Arc::clone(&value));
        }
        value
    }

    /// Forgets one value.
    pub fn remove(&self, key: &K) {
        let mut state = self.write();
        state.generation += 1;
        state.remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.write();
        state.generation += 1;
        state.places.clear();
        state.slots.clear();
    }

    // The map is whole even if a thread panicked while it held the lock.
    fn read(&self) -> RwLockReadGuard<'_, State<K, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<K, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Slot<K, V> {
    /// A value that is asked for at every core is not written to each time.
    fn ask(&self) -> Arc<V> {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        Arc::clone(&self.value)
    }
}

impl<K: Clone + Eq + Hash, V> State<K, V> {
    fn put(&mut self, key: K, value: Arc<V>) {
        self.remove(&key);
        if self.slots.len() >= self.capacity {
            self.make_room();
        }
        let Ok(place) = u32::try_from(self.slots.len()) else { return };
        let State { hasher, places, slots, .. } = self;
        let hash = hasher.hash_one(&key);
        slots.push(Slot { key, value, asked: AtomicBool::new(false) });
        places.insert_unique(hash, place, |place| hash_at(hasher, slots, *place));
    }

    /// Where the key is.
    fn place(&self, key: &K) -> Option<usize> {
        let found =
            self.places.find(self.hasher.hash_one(key), |place| key_at(&self.slots, *place) == Some(key));
        found.map(|place| index(*place))
    }

    fn make_room(&mut self) {
        for _ in 0..LOOKS {
            match self.slots.get_mut(self.hand).map(|slot| std::mem::take(slot.asked.get_mut())) {
                Some(true) => self.hand += 1,
                Some(false) => break,
                None => self.hand = 0,
            }
        }
        let least = self.slots.get(self.hand).or(self.slots.first()).map(|slot| slot.key.clone());
        self.hand += 1;
        if let Some(key) = least {
            self.remove(&key);
        }
    }

    /// The last entry takes the place of the one that goes.
    fn remove(&mut self, key: &K) {
        let State { hasher, places, slots, .. } = self;
        let hash = hasher.hash_one(key);
        let Ok(entry) = places.find_entry(hash, |place| key_at(slots, *place) == Some(key)) else { return };
        let (gone, _) = entry.remove();
        let Some(last) = slots.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()) else { return };
        let hash = hash_at(hasher, slots, last);
        if let Some(moved) = places.find_mut(hash, |place| *place == last) {
            *moved = gone;
        }
        slots.swap_remove(index(gone));
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn key_at<K, V>(slots: &[Slot<K, V>], place: u32) -> Option<&K> {
    slots.get(index(place)).map(|slot| &slot.key)
}

fn hash_at<K: Hash, V>(hasher: &RandomState, slots: &[Slot<K, V>], place: u32) -> u64 {
    key_at(slots, place).map_or(0, |key| hasher.hash_one(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(cache: &Cache<u32, u32>, key: u32) -> Ticket {
        cache.get(&key).unwrap_err()
    }

    #[test]
    fn what_was_put_is_found() {
        let cache = Cache::default();
        cache.put(missed(&cache, 1), 1, 10);
        assert_eq!(cache.get(&1).ok().as_deref(), Some(&10));
    }

    #[test]
    fn a_value_read_before_a_change_is_not_kept_after_it() {
        let cache: Cache<u32, u32> = Cache::default();
        for forget in [Cache::clear as fn(&_), |cache: &Cache<u32, u32>| cache.remove(&1)] {
            let ticket = missed(&cache, 1);
            forget(&cache);
            assert_eq!(*cache.put(ticket, 1, 10), 10);
            assert!(cache.get(&1).is_err());
        }
    }

    #[test]
    fn it_stays_bounded() {
        let cache = Cache::default();
        for key in 0..2 * u32::try_from(CAPACITY).unwrap() {
            cache.put(missed(&cache, key), key, key);
        }
        let state = cache.read();
        assert_eq!((state.places.len(), state.slots.len()), (CAPACITY, CAPACITY));
    }

    #[test]
    fn every_entry_is_found_at_its_place_whatever_was_put_in_and_taken_out() {
        let (cache, mut random) = (Cache::of(8), 1_u32);
        for _ in 0..2000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (random >> 16) % 24;
            match (cache.get(&key), random >> 30) {
                (Ok(value), 0..3) => assert_eq!(*value, 10 * key),
                (Err(ticket), 0..3) => assert_eq!(*cache.put(ticket, key, 10 * key), 10 * key),
                _ => cache.remove(&key),
            }
            let state = cache.read();
            assert!(state.slots.len() <= 8 && state.slots.len() == state.places.len());
            assert!(
                state.slots.iter().enumerate().all(|(place, slot)| state.place(&slot.key) == Some(place))
            );
        }
    }

    #[test]
    fn what_is_asked_for_again_stays_while_others_pass() {
        let cache = Cache::of(64);
        for key in 0..1000 {
            if key > 0 {
                assert_eq!(cache.get(&0).ok().as_deref(), Some(&0), "after {key} others");
            }
            cache.put(missed(&cache, key), key, key);
        }
    }
}
