//! What must hold for any input, one property for each parser of what comes from outside.
//!
//! A property takes any bytes and panics if they break it. `make fuzz` lets libFuzzer look for such bytes, and
//! `cargo test` runs the same functions over `corpus/` and over seeded mutations of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a property that does not hold panics"
)]

mod assertions;
mod client;
mod operator;
mod people;
mod permissions;
mod redirect;
mod request;
mod text;
mod tokens;

/// What must hold for these bytes; panics if it does not.
pub type Property = fn(&[u8]);

/// A property, the name of its corpus, and how many mutations a test run tries.
#[derive(Clone, Copy)]
pub struct Target {
    /// The directory in `corpus/`.
    pub name: &'static str,
    /// What must hold.
    pub property: Property,
    /// Mutations in `cargo test`: a property that answers whole requests is slower than one that parses.
    pub mutations: usize,
}

const fn parser(name: &'static str, property: Property) -> Target {
    Target { name, property, mutations: 3000 }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    parser("params", text::params),
    parser("scope", text::scope),
    parser("claims", text::claims),
    parser("scope_item", permissions::scope_item),
    parser("pkce", text::pkce),
    parser("host", text::host),
    parser("language", text::language),
    parser("cookies", text::cookies),
    parser("forwarded", text::forwarded),
    parser("redirect_uri", redirect::uri),
    parser("redirect_match", redirect::comparison),
    parser("jwt", tokens::jwt),
    parser("jwk", tokens::jwk),
    parser("opaque", tokens::opaque),
    parser("client_auth", client::authentication),
    parser("client_assertion", assertions::assertion),
    parser("request_object", assertions::request_object),
    parser("outbound", assertions::outbound),
    parser("authorize", client::authorization_request),
    parser("description", operator::description),
    parser("database", operator::database),
    parser("password_hash", operator::password_hash),
    parser("people", people::file),
    parser("upload", people::upload),
    Target { name: "request", property: request::answer, mutations: 500 },
];

/// The bytes as text; what is not UTF-8 never reaches a parser of text.
fn utf8(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The first line and the rest.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}
