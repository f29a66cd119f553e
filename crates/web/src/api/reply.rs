//! An answer as data, which can be kept and given again.

use axum::{body::Body, response::Response};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::{FORBIDDEN, Problem, UNAUTHORIZED};

/// What a handler answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Option<Value>,
    /// The version of what the body is about.
    pub version: Option<i64>,
    /// Where what was made can be found.
    pub location: Option<String>,
}

impl Reply {
    /// 200 with a body.
    pub fn ok(body: Value) -> Reply {
        Reply { status: 200, body: Some(body), version: None, location: None }
    }

    /// 201 with a body, and where it can be found.
    pub fn created(body: Value, location: String) -> Reply {
        Reply { status: 201, location: Some(location), ..Reply::ok(body) }
    }

    /// 204.
    pub fn nothing() -> Reply {
        Reply { status: 204, body: None, version: None, location: None }
    }

    /// The same of something at a version.
    #[must_use]
    pub fn at(self, version: i64) -> Reply {
        Reply { version: Some(version), ..self }
    }

    /// As an answer.
    pub fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = with_body(status, "application/json", self.body.as_ref());
        let headers = response.headers_mut();
        put(headers, ETAG, self.version.map(|version| format!("\"{version}\"")));
        put(headers, LOCATION, self.location.clone());
        response
    }
}

/// A problem as an answer.
pub fn problem(problem: &Problem, request_id: &str) -> Response {
    let body = problem.body(request_id);
    let mut response = with_body(problem.kind.status, "application/problem+json", Some(&body));
    let headers = response.headers_mut();
    // RFC 6750 §3: what is missing is told in the challenge, and without a token there is no error code.
    let challenge = if problem.kind == UNAUTHORIZED {
        Some(if [NO_TOKEN, NO_COOKIE_ALONE].contains(&problem.detail.as_str()) {
            "Bearer realm=\"signet\"".to_owned()
        } else {
            "Bearer realm=\"signet\", error=\"invalid_token\"".to_owned()
        })
    } else if problem.kind == FORBIDDEN {
        let items: Vec<String> = problem.needs.iter().map(|permission| permission.item()).collect();
        Some(format!("Bearer realm=\"signet\", error=\"insufficient_scope\", scope=\"{}\"", items.join(" ")))
    } else {
        None
    };
    put(headers, WWW_AUTHENTICATE, challenge);
    put(headers, ALLOW, problem.allowed.as_deref().map(str::to_owned));
    put(headers, RETRY_AFTER, problem.retry_after.map(|wait| wait.to_string()));
    response
}

/// There is no token at all.
pub const NO_TOKEN: &str =
    "there is no access token; send Authorization: Bearer with one that has admin scopes";

/// There is the cookie of the console, and not what has to come with it.
pub const NO_COOKIE_ALONE: &str = "a login to the console counts here only with the X-CSRF-Token of its pages, in a request that the \
                                   browser says is of the same origin; programs send Authorization: Bearer";

/// Sets a header, if there is a value.
pub fn put(headers: &mut http::HeaderMap, name: HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(name, value);
    }
}

fn with_body(status: StatusCode, kind: &'static str, body: Option<&Value>) -> Response {
    let text = body.map(ToString::to_string);
    let mut response = Response::new(text.clone().map_or_else(Body::empty, Body::from));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if text.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
