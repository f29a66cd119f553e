//! Answers and the headers that belong to each kind.

use std::fmt::Write;

use askama::Template;
use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA,
        REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use serde::Serialize;

use crate::pages::Brand;

/// The source that names the origin of the page itself.
pub const SAME_ORIGIN: &str = "'self'";

/// What a page may do beyond showing itself.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Whether it has a form. Where the form ends up cannot be named: browsers apply `form-action` to every redirect that
    /// follows, and the application's callback may redirect to wherever it likes.
    pub has_form: bool,
    /// The nonce of its one script.
    pub script_nonce: Option<String>,
    /// The one origin that may frame it.
    pub framed_by: Option<String>,
    /// The one other origin that its picture comes from.
    pub pictures_of: Option<String>,
    /// Whether it is the console's, whose forms go to this host alone, and whose script is a file of it.
    pub console: bool,
}

impl Policy {
    /// A page with a form.
    pub const FORM: Policy =
        Policy { has_form: true, script_nonce: None, framed_by: None, pictures_of: None, console: false };

    /// A page of the console: forms that lead nowhere else, and the console's script.
    pub const CONSOLE: Policy = Policy { console: true, ..Policy::FORM };

    /// The same, of a page that shows how an application looks.
    #[must_use]
    pub fn showing(self, brand: &Brand) -> Policy {
        Policy { pictures_of: brand.picture_origin(), ..self }
    }

    /// The nonce, for the page.
    pub fn nonce(&self) -> &str {
        self.script_nonce.as_deref().unwrap_or_default()
    }

    fn header(&self) -> String {
        // Lists in the console show logos from anywhere.
        let others = if self.console { Some("https:") } else { self.pictures_of.as_deref() };
        let pictures = others.map(|others| format!(" {others}")).unwrap_or_default();
        let mut text =
            format!("default-src 'none'; style-src 'self'; img-src 'self'{pictures}; base-uri 'none'");
        let framer = self.framed_by.as_deref().unwrap_or("'none'");
        let forms = if self.has_form { "" } else { "; form-action 'none'" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{forms}; frame-ancestors {framer}");
        if self.console {
            text.push_str("; script-src 'self'; connect-src 'self'; form-action 'self'");
        }
        if let Some(nonce) = &self.script_nonce {
            let _ = write!(text, "; script-src 'nonce-{nonce}'");
        }
        text
    }
}

/// A token as the whole answer (OpenID Connect Core §5.3.2).
pub fn jwt(token: String) -> Response {
    with_type(StatusCode::OK, "application/jwt", token)
}

/// A page.
pub fn page(status: StatusCode, page: &impl Template, policy: &Policy) -> Response {
    let Ok(html) = page.render() else {
        tracing::error!("a page could not be rendered");
        return plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The page could not be rendered; see the server's log.\n",
        );
    };
    let mut response = with_type(status, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&policy.header()) {
        headers.insert(CONTENT_SECURITY_POLICY, value);
    }
    match policy.framed_by.as_deref() {
        None => drop(headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))),
        Some(SAME_ORIGIN) => drop(headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"))),
        Some(_) => {}
    }
    response
}

/// Lets a page frame `origins`, and nothing else.
pub fn framing(mut response: Response, origins: impl Iterator<Item = String>) -> Response {
    let headers = response.headers_mut();
    let policy = headers.get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let text = origins
        .fold(format!("{}; frame-src", policy.unwrap_or_default()), |text, origin| text + " " + &origin);
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(CONTENT_SECURITY_POLICY, value);
    }
    response
}

/// Room for an answer of tokens.
const JSON_BYTES: usize = 1024;

/// JSON that nobody may keep, in the two ways RFC 6749 §5.1 demands.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(JSON_BYTES);
    if serde_json::to_writer(&mut text, body).is_err() {
        text = br#"{"error":"server_error"}"#.to_vec();
    }
    let mut response = with_type(status, "application/json", text);
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A text as a file that is saved. `name` is a header's value: names of ours, without quotes.
pub fn file(text: String, kind: &'static str, name: &str) -> Response {
    let mut response = with_type(StatusCode::OK, kind, text);
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// One line of text.
pub fn plain(status: StatusCode, text: &'static str) -> Response {
    with_type(status, "text/plain; charset=utf-8", text)
}

/// A redirect by GET, whatever the method was (RFC 9700 §4.12: 303, so that a form's password is not sent on).
pub fn see_other(location: &str) -> Response {
    let mut response = with_type(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    match HeaderValue::from_str(location) {
        Ok(value) => drop(response.headers_mut().insert(LOCATION, value)),
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// The same, with nothing in `Referer`: where the address holds something secret, or comes from one that does.
pub fn see_other_untold(location: &str) -> Response {
    untold(see_other(location))
}

/// The same answer, after which the address of the page is told to nobody in `Referer`.
pub fn untold(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Adds `Set-Cookie` headers.
pub fn set_cookies(
    mut response: Response,
    cookies: impl IntoIterator<Item = Option<HeaderValue>>,
) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(http::header::SET_COOKIE, cookie);
    }
    response
}

/// As many as most answers have: each is put in without moving the others.
const HEADERS: usize = 12;

fn with_type(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not no-referrer: with it browsers send forms with a null Origin.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
