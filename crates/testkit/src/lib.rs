//! What tests need and a release must not hold.

pub mod postgres;
