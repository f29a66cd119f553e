//! Errors that endpoints tell, with the clause that defines each.

use serde_json::Value;

/// An error as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `error`.
    pub error: String,
    /// `error_description`.
    pub description: String,
    /// Where the code is defined.
    pub clause: &'static str,
}

/// Who tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The authorization endpoint, through the browser.
    Authorization,
    /// The token endpoint, or one where a client authenticates alike.
    Token,
    /// One that takes an access token.
    Bearer,
}

impl Refused {
    /// What `by` told.
    pub fn told(by: By, error: &str, description: Option<&str>) -> Refused {
        let description = description.unwrap_or_default().to_owned();
        Refused { error: error.to_owned(), description, clause: clause(by, error) }
    }

    /// What the body of an answer tells.
    pub fn of_json(by: By, body: &Value) -> Option<Refused> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        text("error").map(|error| Refused::told(by, error, text("error_description")))
    }
}

fn clause(by: By, error: &str) -> &'static str {
    match error {
        "invalid_target" => "RFC 8707 §2",
        "unmet_authentication_requirements" => "OpenID Connect Core Unmet Authentication Requirements §1",
        "interaction_required"
        | "login_required"
        | "account_selection_required"
        | "consent_required"
        | "invalid_request_uri"
        | "invalid_request_object"
        | "request_not_supported"
        | "request_uri_not_supported"
        | "registration_not_supported" => "OpenID Connect Core §3.1.2.6",
        _ => match by {
            By::Authorization => "RFC 6749 §4.1.2.1",
            By::Token => "RFC 6749 §5.2",
            By::Bearer => "RFC 6750 §3.1",
        },
    }
}
