//! What an operator may do: one rulebook, without HTML or JSON.
//!
//! A text becomes a [`description`] with [`reader`], the description is laid over what is stored and checked by
//! [`rules`], the difference is a [`plan`], and [`apply`] carries it out in one atomic batch. Whatever is wrong is
//! reported as [`problem`]s with the line they stand on, all at once, and then nothing is changed.

pub mod accounts;
pub mod advice;
pub mod apply;
pub mod audit;
pub mod authority;
pub mod description;
pub mod edit;
pub mod export;
pub mod history;
pub mod keys;
pub mod overview;
pub mod plan;
pub mod pools;
pub mod presets;
pub mod problem;
pub mod prune;
pub mod reader;
pub mod rules;
pub mod sector;
pub mod setup;
pub mod show;
pub mod sign_out;
pub mod snippets;
pub mod trace;
pub mod try_it;
pub mod users;

#[cfg(test)]
mod tests;
