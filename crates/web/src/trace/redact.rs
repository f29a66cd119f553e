//! What of a request may be kept: an explicit list (attack 25). Of anything else it is only said that it was there.

use signet_protocol::{id::ClientId, jose, params::RawParams};

/// Characters of a value that are kept.
const CHARS: usize = 500;

/// Parameters whose values say what is asked, and are never secret.
const SHOWN: &[&str] = &[
    "response_type",
    "response_mode",
    "scope",
    "redirect_uri",
    "post_logout_redirect_uri",
    "prompt",
    "max_age",
    "display",
    "grant_type",
    "code_challenge_method",
    "client_assertion_type",
    "token_type_hint",
    "resource",
    "ui_locales",
    "acr_values",
];
/// Parameters of which length and fingerprint are kept: they are too random to be guessed from that, and it can be seen
/// whether two requests have the same.
const RANDOM: &[&str] =
    &["code", "refresh_token", "token", "access_token", "id_token_hint", "state", "nonce", "code_challenge"];
/// Parameters of which it is said that they were there.
const NAMED: &[&str] = &[
    "client_secret",
    "client_assertion",
    "code_verifier",
    "username",
    "email",
    "phone",
    "password",
    "login_hint",
    "logout_hint",
    "claims",
    "request",
    "request_uri",
    "registration",
    "txn",
    "csrf",
];

/// The parameters of a request.
pub fn parameters(params: &RawParams) -> Vec<(String, String)> {
    let known = params.pairs().filter_map(|(name, value)| Some((name.to_owned(), parameter(name, value)?)));
    let mut kept: Vec<_> = known.collect();
    let unknown = params.pairs().count() - kept.len();
    if unknown > 0 {
        kept.push(("…".to_owned(), format!("{unknown} of other names")));
    }
    kept
}

fn parameter(name: &str, value: &str) -> Option<String> {
    match name {
        "client_id" => Some(client_id(value)),
        _ if SHOWN.contains(&name) => Some(shown(value)),
        _ if RANDOM.contains(&name) => Some(fingerprint(value)),
        _ if NAMED.contains(&name) => Some("(not kept)".to_owned()),
        _ => None,
    }
}

/// Whether length and fingerprint are kept of a parameter.
pub fn is_random(name: &str) -> bool {
    RANDOM.contains(&name)
}

/// A value that is not secret, as far as it is kept.
pub fn shown(value: &str) -> String {
    let clean = value.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut text: String = clean.clone().take(CHARS).collect();
    if clean.count() > CHARS {
        text.push('…');
    }
    text
}

/// A `client_id`; what has not the form of one may be anything.
pub fn client_id(value: &str) -> String {
    match ClientId::parse(value) {
        Some(id) => id.to_string(),
        None => format!("{} characters that are no App ID", value.chars().count()),
    }
}

/// The name of a parameter; one that nobody knows may be anything.
pub fn name(name: &str) -> &'static str {
    let known = SHOWN.iter().chain(RANDOM).chain(NAMED).chain(&["client_id"]);
    known.copied().find(|known| *known == name).unwrap_or("a parameter of another name")
}

/// Of a value that is secret and random its length, and the beginning of its hash.
pub fn fingerprint(value: &str) -> String {
    let hash = jose::sha256(value.as_bytes());
    let start: String = hash.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    format!("{} characters, SHA-256 {start}…", value.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_25_what_is_not_listed_is_not_kept() {
        let text = "scope=openid&client_secret=s3cret&password=hunter2&code=c0de&verysecret=value&client_id=hunter2&state=st4te";
        let kept = parameters(&RawParams::parse(text.as_bytes()).unwrap());
        let shown = format!("{kept:?}");
        for secret in ["s3cret", "hunter2", "c0de", "verysecret", "value", "st4te"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(kept.contains(&("scope".to_owned(), "openid".to_owned())), "{shown}");
        assert!(kept.contains(&("…".to_owned(), "1 of other names".to_owned())), "{shown}");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&"é".repeat(600)).chars().count(), CHARS + 1);
        assert_eq!(shown("a\nb"), "a\u{fffd}b");
    }
}
