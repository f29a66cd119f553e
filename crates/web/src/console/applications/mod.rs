//! Applications: the list, one that is new, and the pages of each.

pub mod branding;
pub mod callers;
pub mod cards;
pub mod code;
pub mod create;
pub mod danger;
pub mod failures;
pub mod frame;
pub mod list;
pub mod quick_start;
pub mod secret;
pub mod sessions;
pub mod settings;
pub mod try_it;
pub mod words;
