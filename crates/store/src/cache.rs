//! Hot rows in memory.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::stats::CacheStats;

/// Entries of a cache of which nothing else is said; beyond it some other entry makes room.
const CAPACITY: usize = 4096;

/// A bounded map of values that can be read again from the database at any time.
///
/// A value is put in with the [`Ticket`] of the look-up that missed. Every removal makes earlier tickets worthless, so
/// a value read before a change is never put in after it.
pub struct Cache<K, V>(RwLock<State<K, V>>, CacheStats);

struct State<K, V> {
    capacity: usize,
    generation: u64,
    entries: HashMap<K, Arc<V>>,
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
        Self(RwLock::new(State { capacity, generation: 0, entries: HashMap::new() }), CacheStats::default())
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
        let found = state.entries.get(key).cloned();
        self.1.asked(found.is_some());
        found.ok_or(Ticket(state.generation))
    }

    /// Keeps a value unless something was removed since the ticket was given out.
    pub fn put(&self, ticket: Ticket, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut state = self.write();
        if state.generation == ticket.0 {
            state.make_room();
            state.entries.insert(key, Arc::clone(&value));
        }
        value
    }

    /// Forgets one value.
    pub fn remove(&self, key: &K) {
        let mut state = self.write();
        state.generation += 1;
        state.entries.remove(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.write();
        state.generation += 1;
        state.entries.clear();
    }

    // The map is whole even if a thread panicked while it held the lock.
    fn read(&self) -> RwLockReadGuard<'_, State<K, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<K, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> State<K, V> {
    fn make_room(&mut self) {
        if self.entries.len() >= self.capacity
            && let Some(any) = self.entries.keys().next().cloned()
        {
            self.entries.remove(&any);
        }
    }
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
        assert_eq!(cache.read().entries.len(), CAPACITY);
    }
}
