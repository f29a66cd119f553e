//! What tests share: seeded randomness, a reader of HTML forms, a JWT checker that is not ours, a race helper,
//! certificates.

pub mod certificates;
pub mod forms;
pub mod jwt;
pub mod postgres;
pub mod race;
pub mod seed;
