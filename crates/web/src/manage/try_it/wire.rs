//! Requests that stay in this process: through the routes, like those of any client.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    response::Response,
};
use http::{
    HeaderName, Method, Request, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, WWW_AUTHENTICATE},
};
use serde_json::Value;
use signet_protocol::params::encode_pairs;
use tower::ServiceExt;

use crate::{Peer, Signet, router};

/// What stands for a secret.
pub const HIDDEN: &str = "••••••••";
/// More of an answer is not read.
const BODY_MAX: usize = 1 << 20;

/// Finds the trace of a refusal.
const REFERENCE: HeaderName = HeaderName::from_static("x-signet-reference");

/// A request and its answer, as they are told.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: String,
    /// Headers of the request that matter.
    pub headers: Vec<(&'static str, String)>,
    /// Its parameters. Secrets are [`HIDDEN`].
    pub params: Vec<(String, String)>,
    /// The status of the answer; `None` for what the browser carried.
    pub status: Option<u16>,
    /// Headers of the answer that matter.
    pub answer_headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

/// A request to be made.
pub struct Call {
    method: Method,
    url: String,
    params: Vec<(String, String, bool)>,
    /// The header, and what is told of it.
    authorization: Option<(String, String)>,
}

impl Call {
    /// A GET.
    pub fn get(url: &str) -> Call {
        Call { method: Method::GET, url: url.to_owned(), params: Vec::new(), authorization: None }
    }

    /// A POST of a form.
    pub fn post(url: &str) -> Call {
        Call { method: Method::POST, ..Call::get(url) }
    }

    /// With a parameter, if it has a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Call {
        if !value.is_empty() {
            self.params.push((name.to_owned(), value.to_owned(), false));
        }
        self
    }

    /// With a parameter that is not told.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &str) -> Call {
        self.params.push((name.to_owned(), value.to_owned(), true));
        self
    }

    /// With an `Authorization` header of which `told` is told.
    #[must_use]
    pub fn authorized(mut self, header: String, told: String) -> Call {
        self.authorization = Some((header, told));
        self
    }

    fn request(&self, peer: IpAddr) -> Option<Request<Body>> {
        let (_, rest) = self.url.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/')?);
        let mut builder = Request::builder().method(self.method.clone()).uri(path).header(HOST, host);
        if let Some((header, _)) = &self.authorization {
            builder = builder.header(AUTHORIZATION, header);
        }
        let pairs = self.params.iter().map(|(name, value, _)| (name.as_str(), value.as_str()));
        let body = match self.method {
            Method::POST => {
                builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                Body::from(encode_pairs(pairs))
            }
            _ => Body::empty(),
        };
        builder.extension(Peer(peer)).body(body).ok()
    }

    fn told(&self) -> Exchange {
        let told = |(name, value, secret): &(String, String, bool)| {
            (name.clone(), if *secret { HIDDEN.to_owned() } else { value.clone() })
        };
        Exchange {
            method: if self.method == Method::POST { "POST" } else { "GET" },
            url: self.url.clone(),
            headers: self.authorization.iter().map(|(_, told)| ("Authorization", told.clone())).collect(),
            params: self.params.iter().map(told).collect(),
            ..Exchange::default()
        }
    }
}

/// An answer, read.
pub struct Reply {
    /// As it is told.
    pub exchange: Exchange,
    /// Its body as JSON; null if it is none.
    pub json: Value,
    /// Its body.
    pub text: String,
}

impl Reply {
    /// Whether it is a good one.
    pub fn is_ok(&self) -> bool {
        self.exchange.status == Some(200)
    }

    /// A member of its body that is a text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.json.get(name).and_then(Value::as_str)
    }
}

/// The way to the routes.
pub struct Wire {
    router: Router,
    peer: IpAddr,
}

impl Wire {
    /// For requests that are made for somebody at `peer`, who is counted as having made them.
    pub fn new(signet: &Arc<Signet>, peer: IpAddr) -> Wire {
        Wire { router: router(Arc::clone(signet)), peer }
    }

    /// Makes a request.
    pub async fn send(&self, call: Call) -> Reply {
        let exchange = call.told();
        let Some(request) = call.request(self.peer) else {
            return Reply { exchange, json: Value::Null, text: String::new() };
        };
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        read(exchange, response).await
    }
}

async fn read(exchange: Exchange, response: Response) -> Reply {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(Body::new(body), BODY_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let named = [
        ("Content-Type", CONTENT_TYPE),
        ("Cache-Control", CACHE_CONTROL),
        ("WWW-Authenticate", WWW_AUTHENTICATE),
        ("X-Signet-Reference", REFERENCE),
    ];
    let header = |(told, name)| Some((told, head.headers.get(name)?.to_str().ok()?.to_owned()));
    let body = if json.is_null() { text.clone() } else { pretty(&text) };
    let status = Some(StatusCode::as_u16(&head.status));
    let answer_headers = named.into_iter().filter_map(header).collect();
    Reply { exchange: Exchange { status, answer_headers, body, ..exchange }, json, text }
}

/// JSON on lines of its own, every member where it was.
pub fn pretty(json: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) =
        (String::with_capacity(json.len() * 2), 0, false, false);
    let mut chars = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(one) = chars.next() {
        if quoted {
            out.push(one);
            quoted = escaped || one != '"';
            escaped = one == '\\' && !escaped;
            continue;
        }
        match one {
            '"' => {
                quoted = true;
                out.push(one);
            }
            '{' | '[' => {
                out.push(one);
                if chars.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = usize::saturating_sub(depth, 1);
                line(&mut out, depth);
                out.push(one);
            }
            ',' => {
                out.push(one);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}
