//! The schema, step by step. A released step is never changed: the next one corrects it.

use crate::sql::Migration;

/// Every step, in the order of its version.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "foundation", text: include_str!("0001_foundation.sql"), oldest: 1 }];
