//! Users: the list, one that is new, the pages of each, and files of many.

pub mod cards;
pub mod code;
pub mod create;
pub mod delete;
pub mod export;
pub mod frame;
pub mod grants;
pub mod history;
pub mod import;
pub mod list;
pub mod profile;
pub mod sessions;
pub mod sign_in;
pub mod words;
