//! The cookie of a browser before anybody has signed in. Transactions and forms are bound to it (attack 12).

use http::HeaderValue;
use signet_protocol::{entropy::random, jose, secret::SecretHash};

use crate::{
    clock::SystemEntropy,
    cookies::{self},
    edge::Edge,
};

/// A browser by its cookie.
pub struct Browser {
    value: String,
    new: bool,
}

impl Browser {
    /// The browser that sent a request; one without a cookie gets a new one.
    pub fn of(edge: &Edge) -> Browser {
        Browser::shown(edge)
            .unwrap_or_else(|| Browser { value: jose::b64(&random::<32>(&mut SystemEntropy)), new: true })
    }

    /// The browser by the cookie it shows, if it shows one of ours.
    pub fn shown(edge: &Edge) -> Option<Browser> {
        let value = edge.cookies.get(cookies::BROWSER).filter(|value| value.len() == 43)?;
        Some(Browser { value: value.to_owned(), new: false })
    }

    /// The cookie's value, for form tokens.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What a transaction stores of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of("browser", self.value.as_bytes())
    }

    /// The `Set-Cookie` of a new one.
    pub fn cookie(&self, edge: &Edge) -> Option<HeaderValue> {
        if self.new { edge.cookies.set(cookies::BROWSER, &self.value, None) } else { None }
    }
}
