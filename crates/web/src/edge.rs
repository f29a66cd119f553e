//! What is read of every request before a handler sees it.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, Request},
    response::Response,
};
use http::{
    HeaderMap, Method,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
    request::Parts,
};
use signet_protocol::{
    application::Application,
    error::{ErrorCode, Refusal, refuse},
    issuer::{Issuer, IssuerId, Site},
    limits::PARAMS_BYTES,
    params::RawParams,
};
use tokio::time::timeout;

use crate::{
    Peer, Signet,
    cookies::Cookies,
    error::{Failure, TOO_LARGE},
    pages::{Lang, Problem},
    respond,
};

/// A request as far as every handler needs it: which issuer it is for, and who sent it.
pub struct Edge {
    /// The issuer of the host.
    pub issuer: Issuer,
    /// The application whose own host it is; `None` at the pool's.
    pub own: Option<Arc<Application>>,
    /// Its cookies.
    pub cookies: Cookies,
    /// The name under which the log has it.
    pub request_id: String,
    /// Where it comes from.
    pub peer: IpAddr,
    /// The page that sent it, if a script did.
    pub origin: Option<String>,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    /// Its method.
    pub method: Method,
    query: Option<String>,
    accept_language: Option<String>,
}

/// The name of a request, made by the outermost layer.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl Edge {
    /// The parameters of the query.
    pub fn query(&self) -> Result<RawParams, Failure> {
        Ok(RawParams::parse(self.query.as_deref().unwrap_or_default().as_bytes())?)
    }

    /// The language of a page: what the request asks for, else what the browser prefers.
    pub fn lang(&self, ui_locales: Option<&str>) -> Lang {
        Lang::choose(ui_locales, self.accept_language.as_deref())
    }

    /// The origin of this host, without a slash at the end.
    pub fn host_origin(&self) -> &str {
        self.issuer.url().strip_suffix("/oidc").unwrap_or_default()
    }
}

impl FromRequestParts<Arc<Signet>> for Edge {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, signet: &Arc<Signet>) -> Result<Edge, Response> {
        let base = &signet.settings().base_url;
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (issuer, own, problem) = match find_site(signet, parts).await {
            Ok((issuer, own)) => (issuer, own, None),
            Err(problem) => (pool_issuer(signet), None, Some(problem)),
        };
        let edge = Edge {
            issuer,
            own,
            cookies: Cookies::read(&parts.headers, base.is_https()),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            peer: parts.extensions.get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0),
            origin: text(ORIGIN),
            authorization: text(AUTHORIZATION),
            method: parts.method.clone(),
            query: parts.uri.query().map(str::to_owned),
            accept_language: text(ACCEPT_LANGUAGE),
        };
        match problem {
            None => Ok(edge),
            Some(SiteProblem::Failure(failure)) => Err(edge.page(edge.lang(None), Err(failure))),
            Some(SiteProblem::UnknownHost) => Err(unknown_host(&edge, &base.origin(&Site::Pool))),
        }
    }
}

enum SiteProblem {
    UnknownHost,
    Failure(Failure),
}

async fn find_site(
    signet: &Signet,
    parts: &Parts,
) -> Result<(Issuer, Option<Arc<Application>>), SiteProblem> {
    let base = &signet.settings().base_url;
    let pool = signet.store().pool().id;
    let host = request_host(parts).ok_or(SiteProblem::UnknownHost)?;
    match base.resolve(&host).ok_or(SiteProblem::UnknownHost)? {
        Site::Pool => Ok((pool_issuer(signet), None)),
        Site::Application(identifier) => {
            let found = signet.store().application_by_identifier(&identifier).await;
            let application = found
                .map_err(|error| SiteProblem::Failure(error.into()))?
                .filter(|application| application.enabled)
                .ok_or(SiteProblem::Failure(Problem::NotFound.into()))?;
            let id = IssuerId::Application(application.id);
            Ok((Issuer::at(base, &Site::Application(identifier), pool, id), Some(application)))
        }
    }
}

/// The issuer at the pool's own address.
fn pool_issuer(signet: &Signet) -> Issuer {
    let pool = signet.store().pool().id;
    Issuer::at(&signet.settings().base_url, &Site::Pool, pool, IssuerId::Pool(pool))
}

/// The host a request names, if it names exactly one (RFC 9112 §3.2). No other header counts (attack 11).
fn request_host(parts: &Parts) -> Option<String> {
    let mut named = parts.headers.get_all(HOST).iter();
    let header = named.next().and_then(|value| value.to_str().ok());
    if named.next().is_some() {
        return None;
    }
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => header.map(str::to_owned),
    }
}

fn unknown_host(edge: &Edge, known: &str) -> Response {
    tracing::info!(request_id = edge.request_id, "unknown host");
    let page = Problem::UnknownHost { known }.page(edge.lang(None), &edge.request_id);
    respond::page(http::StatusCode::MISDIRECTED_REQUEST, &page, &respond::Policy::default())
}

/// How long the body of a request may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The body did not arrive in time.
const TOO_SLOW: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the body of the request did not arrive within 15 seconds; send it again",
);

/// The form body of a POST.
pub struct Form(Result<RawParams, Failure>);

impl Form {
    /// Its parameters, or why it has none.
    pub fn params(self) -> Result<RawParams, Failure> {
        self.0
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Form, Self::Rejection> {
        let (parts, body) = request.into_parts();
        Ok(Form(read_form(&parts.headers, body).await))
    }
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<RawParams, Failure> {
    // A body that trickles in would hold its connection for ever.
    let read =
        timeout(BODY_TIMEOUT, to_bytes(body, PARAMS_BYTES)).await.map_err(|_| Failure::Refused(TOO_SLOW))?;
    let bytes = read.map_err(|_| Failure::Refused(TOO_LARGE))?;
    let kind = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/x-www-form-urlencoded") => Ok(RawParams::parse(&bytes)?),
        None if bytes.is_empty() => Ok(RawParams::default()),
        _ => Err(Failure::Refused(refuse(
            ErrorCode::InvalidRequest,
            "the body must be a form: send Content-Type application/x-www-form-urlencoded",
        ))),
    }
}
