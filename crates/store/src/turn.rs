//! Turning the pages of a list that is ordered by keys. A page begins behind a row or ends in front of one, so that none is met
//! twice or missed however many come and go meanwhile.

use signet_protocol::id::RowId;

use crate::{
    Store, StoreError,
    sql::{RowReader, Sql, Value},
};

/// Which page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn<K> {
    /// The first.
    #[default]
    First,
    /// The one that begins behind this.
    Behind(K),
    /// The one that ends in front of this. Where less than a page is in front, it is the first one.
    Before(K),
}

impl<K> From<Option<K>> for Turn<K> {
    fn from(behind: Option<K>) -> Turn<K> {
        behind.map_or(Turn::First, Turn::Behind)
    }
}

impl<K> Turn<K> {
    /// The same by another key.
    pub fn map<L>(self, key: impl FnOnce(K) -> L) -> Turn<L> {
        match self {
            Turn::First => Turn::First,
            Turn::Behind(one) => Turn::Behind(key(one)),
            Turn::Before(one) => Turn::Before(key(one)),
        }
    }
}

/// A page, with what leads to those beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf<T, K> {
    /// Its rows, in the order of the list.
    pub rows: Vec<T>,
    /// In front of what the page before ends, if there is one.
    pub previous: Option<K>,
    /// Behind what the next page begins, if there is one.
    pub next: Option<K>,
}

impl<T, K> Leaf<T, K> {
    /// The rows behind `from`, or from the beginning, of which one more was read than a page has.
    pub(crate) fn onward(
        mut rows: Vec<T>,
        from: Option<K>,
        most: usize,
        key: impl Fn(&T) -> K,
    ) -> Leaf<T, K> {
        let more = rows.len() > most;
        rows.truncate(most);
        let previous = from.map(|from| rows.first().map_or(from, &key));
        Leaf { previous, next: rows.last().filter(|_| more).map(&key), rows }
    }

    /// The rows in front of one, from there to the beginning, of which one more was read than a page has; `None`: less than a
    /// page is in front.
    pub(crate) fn back(mut rows: Vec<T>, most: usize, key: impl Fn(&T) -> K) -> Option<Leaf<T, K>> {
        if rows.len() <= most {
            return None;
        }
        rows.truncate(most);
        rows.reverse();
        Some(Leaf { previous: rows.first().map(&key), next: rows.last().map(&key), rows })
    }

    /// The page of a list in memory, which is sorted by its keys.
    pub fn among(
        all: impl DoubleEndedIterator<Item = T>,
        turn: Turn<K>,
        most: usize,
        key: impl Fn(&T) -> K,
    ) -> Self
    where
        K: Ord,
    {
        let all: Vec<T> = all.collect();
        let place = match &turn {
            Turn::First => 0,
            Turn::Behind(one) => all.partition_point(|row| key(row) <= *one),
            // The first page is a full one.
            Turn::Before(one) => all.partition_point(|row| key(row) < *one).saturating_sub(most),
        };
        let from = match turn {
            Turn::Behind(one) => Some(one),
            _ => None,
        };
        let first = all.get(place).map(&key).or(from);
        let rows = all.into_iter().skip(place).take(most.saturating_add(1)).collect();
        let leaf = Leaf::onward(rows, None, most, key);
        Leaf { previous: first.filter(|_| place > 0), ..leaf }
    }

    /// The same with other rows.
    pub fn map<U>(self, row: impl FnMut(T) -> U) -> Leaf<U, K> {
        let Leaf { rows, previous, next } = self;
        Leaf { rows: rows.into_iter().map(row).collect(), previous, next }
    }
}

/// The two statements of a list by ids, the newest first: those before an id, from there on, and those after it, from there back.
pub(crate) type Pair = [&'static Sql; 2];

impl Store {
    /// A page of a list by ids, the newest first. `values` has the arguments of both statements for an id and a limit.
    pub(crate) async fn leaf<T, K: RowId>(
        &self,
        [onward, back]: Pair,
        (turn, most): (Turn<K>, usize),
        values: impl Fn([u8; 16], i64) -> Vec<Value>,
        read: fn(&mut RowReader) -> Result<T, StoreError>,
        key: fn(&T) -> K,
    ) -> Result<Leaf<T, K>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let from = match turn {
            Turn::First => None,
            Turn::Behind(one) => Some(one),
            Turn::Before(one) => {
                let rows = self.engine().list(back, values(one.bytes(), limit), read).await?;
                match Leaf::back(rows, most, key) {
                    Some(leaf) => return Ok(leaf),
                    None => None,
                }
            }
        };
        let bound = from.map_or([0xff; 16], |one| one.bytes());
        let rows = self.engine().list(onward, values(bound, limit), read).await?;
        Ok(Leaf::onward(rows, from, most, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of the numbers from 9 down to 0 that are there, as the statements would find them.
    fn leaf(there: &[i32], turn: Turn<i32>, most: usize) -> Leaf<i32, i32> {
        let key = |row: &i32| *row;
        let from = match turn {
            Turn::First => None,
            Turn::Behind(one) => Some(one),
            Turn::Before(one) => {
                let rows = there.iter().copied().filter(|row| *row > one).take(most + 1).collect();
                match Leaf::back(rows, most, key) {
                    Some(leaf) => return leaf,
                    None => None,
                }
            }
        };
        let rows = there.iter().rev().copied().filter(|row| from.is_none_or(|from| *row < from));
        Leaf::onward(rows.take(most + 1).collect(), from, most, key)
    }

    #[test]
    fn pages_lead_there_and_back() {
        let all: Vec<i32> = (0..10).collect();
        let first = leaf(&all, Turn::First, 4);
        assert_eq!(first, Leaf { rows: vec![9, 8, 7, 6], previous: None, next: Some(6) });
        let second = leaf(&all, Turn::Behind(6), 4);
        assert_eq!(second, Leaf { rows: vec![5, 4, 3, 2], previous: Some(5), next: Some(2) });
        let third = leaf(&all, Turn::Behind(2), 4);
        assert_eq!(third, Leaf { rows: vec![1, 0], previous: Some(1), next: None });
        assert_eq!(leaf(&all, Turn::Before(1), 4).rows, second.rows);
        assert_eq!(leaf(&all, Turn::Before(5), 4), first);
    }

    #[test]
    fn rows_that_come_and_go_move_no_page() {
        let some = [0, 1, 3, 4, 5, 7, 8, 9, 10, 11];
        assert_eq!(leaf(&some, Turn::Before(5), 4).rows, [10, 9, 8, 7], "the four in front, whoever came");
        assert_eq!(leaf(&some, Turn::Before(9), 4).rows, [11, 10, 9, 8], "the first page, which is full");
        assert_eq!(
            leaf(&some, Turn::Behind(6), 2),
            Leaf { rows: vec![5, 4], previous: Some(5), next: Some(4) }
        );
        assert_eq!(leaf(&some, Turn::Behind(0), 2), Leaf { rows: vec![], previous: Some(0), next: None });
        assert_eq!(leaf(&[], Turn::Before(0), 2), Leaf { rows: vec![], previous: None, next: None });
    }
}
