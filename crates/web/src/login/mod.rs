//! The pages between an authorization request and its answer: sign in, choose the account, consent.

pub mod account;
pub mod attempts;
pub mod browser;
pub mod consent;
pub mod session;
pub mod sign_in;
pub mod transaction;
