//! What tests share: seeded randomness, a reader of HTML forms, a JWT checker and a JWE reader that are not ours, a race helper, the real
//! binary with a small HTTP client, a listener that is called, a throw-away PostgreSQL, certificates.

pub mod certificates;
pub mod forms;
pub mod http;
pub mod installation;
pub mod jwe;
pub mod jwt;
pub mod postgres;
pub mod race;
pub mod receiver;
pub mod seed;

/// What went wrong, for whoever runs a test or a measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
