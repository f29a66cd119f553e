//! What of a trace an application's manager is told.
//!
//! A trace belongs to the application that a request named, and whoever sent it may name any: nothing in it is proven. What
//! the request showed may be another's, so a manager is told nothing that says whose.

use super::{Trace, redact};

/// What stands for the name of another application.
const ANOTHER: &str = "another application";
/// What stands for what is not told.
const HIDDEN: &str = "(not shown)";

impl Trace {
    /// The same for who manages this application alone. `own` are the addresses that are no secret to them: the pool's
    /// issuer, and the application's.
    pub fn for_manager(mut self, own: &[String]) -> Trace {
        if self.check == "client_id" && self.expected.is_some() && self.endpoint == "/oidc/token" {
            // A code or a refresh token of somebody else.
            self.expected = Some(format!("the client it was given to, {ANOTHER}"));
        }
        if !own.contains(&self.issuer) {
            let issuer = std::mem::replace(&mut self.issuer, ANOTHER.to_owned());
            for text in [&mut self.expected, &mut self.received].into_iter().flatten() {
                *text = text.replace(&issuer, ANOTHER);
            }
        }
        for text in [&mut self.expected, &mut self.received].into_iter().flatten() {
            without_fingerprint(text);
        }
        for (name, value) in &mut self.parameters {
            if redact::is_random(name) {
                HIDDEN.clone_into(value);
            }
        }
        self
    }
}

/// Takes the fingerprint off the end: by it codes and tokens of others could be told apart.
fn without_fingerprint(text: &mut String) {
    let Some(end) = text.find(" characters, SHA-256 ") else { return };
    let front = text.get(..end).unwrap_or_default();
    let front = front.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches([' ', ':']);
    *text = if front.is_empty() { HIDDEN.to_owned() } else { front.to_owned() };
}

#[cfg(test)]
mod tests {
    use signet_protocol::{id::AppId, time::Timestamp};

    use super::*;

    fn trace() -> Trace {
        Trace {
            reference: "K7QF-2M9T".to_owned(),
            request_id: "r".to_owned(),
            at: Timestamp(0),
            method: "POST".to_owned(),
            endpoint: "/oidc/token".to_owned(),
            issuer: "http://other.localhost:8080/oidc".to_owned(),
            app_id: Some(AppId::from_bytes([1; 12])),
            app_name: Some("Own".to_owned()),
            check: "client_id".to_owned(),
            clause: "RFC 6749 §4.1.3".to_owned(),
            error: "invalid_grant".to_owned(),
            description: "…".to_owned(),
            expected: Some("the client it was given to, Secret Project".to_owned()),
            received: Some("Own".to_owned()),
            fix: None,
            parameters: vec![
                ("code".to_owned(), redact::fingerprint("another's code")),
                ("grant_type".to_owned(), "authorization_code".to_owned()),
            ],
        }
    }

    #[test]
    fn attack_19_a_manager_is_not_told_whose_code_it_was() {
        let own = ["http://localhost:8080/oidc".to_owned(), "http://own.localhost:8080/oidc".to_owned()];
        let told = trace().for_manager(&own);
        let text = serde_json::to_string(&told).unwrap();
        for other in ["Secret Project", "other.localhost", "SHA-256"] {
            assert!(!text.contains(other), "{text}");
        }
        assert!(text.contains("authorization_code") && text.contains("Own"), "{text}");
        let here = Trace { issuer: own[0].clone(), ..trace() }.for_manager(&own);
        assert_eq!(here.issuer, own[0]);
    }

    #[test]
    fn what_was_wrong_with_a_code_stays_without_its_fingerprint() {
        let shown = |text: String| {
            let mut text = text;
            without_fingerprint(&mut text);
            text
        };
        let fingerprint = redact::fingerprint("c0de");
        assert_eq!(shown(format!("something else: {fingerprint}")), "something else");
        assert_eq!(shown(fingerprint), HIDDEN);
        assert_eq!(shown("one of https://a.example/cb".to_owned()), "one of https://a.example/cb");
    }
}
