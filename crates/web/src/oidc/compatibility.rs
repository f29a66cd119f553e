//! Token requests of older clients, as far as switches of an application allow them (`docs/compatibility.md`).

use http::Method;
use signet_protocol::{
    application::{ActiveApplication, ApplicationSettings},
    client_auth::CLIENT_ID_MISSING,
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
};

use crate::{
    edge::{Edge, Form},
    error::Failure,
};

/// Parameters that must not be in a URL (RFC 6749 §2.3.1 and §3.2).
const BODY_ONLY: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
    "token",
    "username",
    "email",
    "phone",
    "password",
];

const IN_URL: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "parameters are in the URL; send them in the form body (application/x-www-form-urlencoded)",
)
.by("parameters_in_url", "RFC 6749 §2.3.1, §3.2");

/// Sees that nothing is in the URL that belongs into the body: there it ends up in logs and histories.
pub fn check_query(edge: &Edge) -> Result<(), Failure> {
    if in_url(edge, &edge.query()?) { Err(IN_URL.into()) } else { Ok(()) }
}

fn in_url(edge: &Edge, query: &RawParams) -> bool {
    edge.method == Method::POST && BODY_ONLY.iter().any(|name| query.has(name))
}

/// What of a request only a switch makes acceptable.
#[derive(Default)]
pub struct Unusual {
    in_url: bool,
    password_in_url: bool,
    named_by_header: bool,
}

/// The parameters of a token request, wherever they are, and what is unusual about that. A parameter that is both in the URL
/// and in the body is there twice.
pub fn token_request(edge: &Edge, form: Form) -> Result<(RawParams, Unusual), Failure> {
    let (query, mut params) = (edge.query()?, form.params()?);
    let mut unusual = Unusual::default();
    if in_url(edge, &query) {
        unusual.in_url = true;
        unusual.password_in_url = query.has("password");
        params = query.and(params);
    }
    if let Some(id) = named_by_header(edge, &params)? {
        unusual.named_by_header = true;
        params.add("client_id", id);
    }
    Ok((params, unusual))
}

/// The application that a refresh without any other sign of a client is for, if the header names one.
fn named_by_header<'e>(edge: &'e Edge, params: &RawParams) -> Result<Option<&'e str>, Refusal> {
    let refresh = params.get("grant_type") == Some("refresh_token");
    let silent = !["client_id", "client_assertion"].iter().any(|name| params.has(name));
    let silent = silent && edge.authorization()?.is_none();
    Ok(edge.app_id.as_deref().filter(|_| refresh && silent))
}

impl Unusual {
    /// What a request is told that repeats a parameter or shows no client: first of all, what is wrong with its URL.
    pub fn instead_of(&self, refusal: Refusal) -> Refusal {
        if self.in_url { IN_URL } else { refusal }
    }

    /// Sees that the application allows all of it. Whoever is no application allows nothing.
    pub fn check(&self, edge: &Edge, application: Option<&ActiveApplication>) -> Result<(), Refusal> {
        let settings = application.map(|application| &application.settings);
        let allows = |switch: fn(&ApplicationSettings) -> bool| settings.is_some_and(switch);
        if self.in_url && !allows(|settings| settings.token_request_in_url) {
            return Err(IN_URL);
        }
        if self.password_in_url && !allows(|settings| settings.password_in_url) {
            return Err(refuse(
                ErrorCode::InvalidRequest,
                "password is in the URL, which this application does not allow; send it in the form body",
            )
            .by("parameters_in_url", "RFC 6749 §2.3.1"));
        }
        if self.named_by_header && !allows(|settings| settings.refresh_without_client_id) {
            return Err(CLIENT_ID_MISSING);
        }
        if let (true, Some(application)) = (self.in_url, application) {
            let request_id = edge.request_id.as_str();
            tracing::warn!(request_id, client_id = %application.id, "a token request came with its parameters in the URL, where logs and histories keep them");
        }
        Ok(())
    }
}
