//! The one place that turns refusals and failures into status codes and bodies, and logs each once.

use axum::response::Response;
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::json;
use signet_protocol::{
    application::{ActiveApplication, Application},
    error::{ErrorCode, Refusal, refuse},
    jose::JoseError,
    params::ParamsError,
    scope::Scope,
    time::Seconds,
    token::AccountRefusal,
};
use signet_store::StoreError;

use crate::{
    edge::Edge,
    hashing::Busy,
    metrics::{Outcome, mark},
    pages::{Brand, Lang, Link, Problem},
    respond::{self, Policy},
    trace::reference,
};

/// Why a handler cannot answer as asked.
#[derive(Debug)]
pub enum Failure {
    /// A rule refuses; told as JSON at an endpoint, on a page elsewhere.
    Refused(Refusal),
    /// Rules allow nothing of a scope: with all that is rejected.
    Rejected(Refusal, Scope),
    /// A page tells the person what is wrong.
    Problem(PageProblem),
    /// The method is not one of the path's.
    Method(&'static str),
    /// What the request names is not here.
    Missing(Missing),
    /// Too many at once.
    Busy(Busy),
    /// Too many wrong passwords: come back after this long.
    Throttled(Seconds),
    /// The store cannot.
    Store(StoreError),
    /// A key cannot sign or verify, which it should.
    Jose(JoseError),
    /// Something that cannot happen, did.
    Internal(&'static str),
}

/// What of its address a request gets wrong.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    /// The host is no issuer's.
    Host,
    /// The host is that of no enabled application.
    Application,
    /// There is nothing at the path.
    Path,
}

/// A page that tells a problem, with what the developer needs and a way to go on.
#[derive(Debug)]
pub struct PageProblem {
    /// What it is.
    pub problem: Problem<'static>,
    /// For the developer.
    pub refusal: Option<Refusal>,
    /// The application to go back to: its name and a checked address.
    pub home: Option<Box<(String, String)>>,
    /// The application that it is about, for its looks.
    pub application: Option<ActiveApplication>,
}

impl Failure {
    /// Whether the fault is the server's, not the request's.
    pub fn is_ours(&self) -> bool {
        matches!(self, Failure::Busy(_) | Failure::Store(_) | Failure::Jose(_) | Failure::Internal(_))
    }

    /// What a client is told of it.
    pub fn refusal(&self) -> Refusal {
        match self {
            Failure::Refused(refusal) | Failure::Rejected(refusal, _) => *refusal,
            Failure::Missing(what) => what.refusal(),
            Failure::Problem(page) => page.refusal.unwrap_or(
                refuse(ErrorCode::InvalidRequest, "the request cannot be answered here")
                    .by(page.problem.name(), "OpenID Connect Core §3.1.2.3"),
            ),
            Failure::Method(_) => {
                refuse(ErrorCode::InvalidRequest, "this method is not allowed here; see the Allow header")
                    .by("method", "RFC 6749 §3.1, §3.2")
            }
            Failure::Busy(_) | Failure::Store(StoreError::Busy | StoreError::Unavailable(_)) => refuse(
                ErrorCode::TemporarilyUnavailable,
                "the server is at capacity or its database is away; try again in a few seconds",
            ),
            Failure::Throttled(_) => refuse(
                ErrorCode::TemporarilyUnavailable,
                "there were too many attempts with this name or from this network; try again after Retry-After seconds",
            )
            .by("throttled", "RFC 6819 §4.4.3.6"),
            Failure::Store(_) | Failure::Jose(_) | Failure::Internal(_) => refuse(
                ErrorCode::ServerError,
                "the server failed; its log has the reason under the x-request-id of this answer",
            ),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<AccountRefusal> for Failure {
    fn from(refusal: AccountRefusal) -> Failure {
        match refusal {
            AccountRefusal::Refused(refusal) => Failure::Refused(refusal),
            AccountRefusal::Rejected(refusal, scope) => Failure::Rejected(refusal, scope),
        }
    }
}

impl From<Missing> for Failure {
    fn from(what: Missing) -> Failure {
        Failure::Missing(what)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<Busy> for Failure {
    fn from(busy: Busy) -> Failure {
        Failure::Busy(busy)
    }
}

impl From<JoseError> for Failure {
    fn from(error: JoseError) -> Failure {
        Failure::Jose(error)
    }
}

impl From<ParamsError> for Failure {
    fn from(error: ParamsError) -> Failure {
        Failure::Refused(match error {
            ParamsError::Malformed => refuse(
                ErrorCode::InvalidRequest,
                "a parameter is not UTF-8 in application/x-www-form-urlencoded form; escape it as %XX",
            ),
            ParamsError::TooLong | ParamsError::TooMany | ParamsError::ParameterTooLong => TOO_LARGE,
        })
    }
}

impl From<Problem<'static>> for Failure {
    fn from(problem: Problem<'static>) -> Failure {
        Failure::Problem(PageProblem { problem, refusal: None, home: None, application: None })
    }
}

/// The request is larger than accepted.
pub const TOO_LARGE: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the request is too large: at most 32 KiB, 64 parameters, and 16 KiB for each",
)
.by("size", "RFC 9110 §15.5.14");

/// The file is larger than is read at once.
pub const FILE_TOO_LARGE: Refusal =
    refuse(ErrorCode::InvalidRequest, "the file is too large; send at most 16 MiB at once, in several files")
        .by("size", "RFC 9110 §15.5.14");

/// The body did not arrive in time.
pub const TOO_SLOW: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the body of the request did not arrive within 15 seconds; send it again",
)
.by("size", "RFC 9110 §15.5.9");

/// By which a person names the answer. A header, so that bodies tell no two refusals apart (attack 22).
const REFERENCE: HeaderName = HeaderName::from_static("x-signet-reference");

/// How many seconds to stay away.
pub const RETRY: HeaderValue = HeaderValue::from_static("2");

/// The answer in place of a handler that was stopped because it took too long.
pub fn too_late(as_json: bool, lang: Lang, request_id: &str) -> Response {
    tracing::error!(request_id, "the request took too long and is broken off");
    let mut response = if as_json {
        refused_json(StatusCode::SERVICE_UNAVAILABLE, Failure::Busy(Busy).refusal(), None)
    } else {
        let page = Problem::Unavailable.page(lang, request_id);
        respond::page(StatusCode::SERVICE_UNAVAILABLE, &page, &Policy::default())
    };
    response.headers_mut().insert(RETRY_AFTER, RETRY);
    marked(response, &Failure::Busy(Busy))
}

/// An answer that tells `failure`, to be counted as such.
fn marked(response: Response, failure: &Failure) -> Response {
    mark(response, Outcome::Refused(failure.refusal().code))
}

fn refused_json(status: StatusCode, refusal: Refusal, rejected: Option<&Scope>) -> Response {
    let mut body = json!({ "error": refusal.code.as_str(), "error_description": refusal.description });
    if let (Some(scope), Some(members)) = (rejected, body.as_object_mut()) {
        members.insert("rejected_scope".to_owned(), scope.to_string().into());
    }
    respond::json(status, &body)
}

impl Missing {
    fn status(self) -> StatusCode {
        match self {
            Missing::Host => StatusCode::MISDIRECTED_REQUEST,
            Missing::Application | Missing::Path => StatusCode::NOT_FOUND,
        }
    }

    fn refusal(self) -> Refusal {
        let description = match self {
            Missing::Host => {
                "this host name is no issuer here; use the base URL, or an application's own address"
            }
            Missing::Application => {
                "no enabled application lives at this host name; check it, or enable the application"
            }
            Missing::Path => {
                "no endpoint has this path; see the discovery document, and leave out a slash at the end"
            }
        };
        let name = match self {
            Missing::Host => "host",
            Missing::Application => "application_host",
            Missing::Path => "path",
        };
        refuse(ErrorCode::InvalidRequest, description).by(name, "RFC 9110 §7.2, §15.5.5")
    }
}

impl Edge {
    /// Ends a request that reached no handler: JSON where programs ask, a page where people look.
    pub fn turn_away(&self, failure: Failure) -> Response {
        if self.asks_for_json { self.json(Err(failure)) } else { self.page(self.lang(None), Err(failure)) }
    }

    /// Ends a protocol endpoint: failures are JSON (RFC 6749 §5.2).
    pub fn json(&self, result: Result<Response, Failure>) -> Response {
        result.unwrap_or_else(|failure| {
            self.log(&failure);
            self.trace_failure(&failure);
            marked(self.json_failure(&failure), &failure)
        })
    }

    /// Ends a page: failures are pages.
    pub fn page(&self, lang: Lang, result: Result<Response, Failure>) -> Response {
        result.unwrap_or_else(|failure| {
            self.log(&failure);
            self.trace_failure(&failure);
            marked(self.page_failure(lang, &failure), &failure)
        })
    }

    /// Keeps a trace of what a developer or an administrator can mend: not of a fault of ours, and not of a path that is none.
    fn trace_failure(&self, failure: &Failure) {
        if !failure.is_ours() && !matches!(failure, Failure::Missing(Missing::Path)) {
            self.trace(failure.refusal());
        }
    }

    fn json_failure(&self, failure: &Failure) -> Response {
        let refusal = failure.refusal();
        let rejected = match failure {
            Failure::Rejected(_, scope) => Some(scope),
            _ => None,
        };
        let status = self.json_status(failure, refusal);
        let mut response = refused_json(status, refusal, rejected);
        if let Ok(value) = HeaderValue::from_str(&reference(&self.request_id)) {
            response.headers_mut().insert(REFERENCE, value);
        }
        self.add_headers(failure, refusal, &mut response);
        response
    }

    fn json_status(&self, failure: &Failure, refusal: Refusal) -> StatusCode {
        match failure {
            Failure::Refused(refusal) if [TOO_LARGE, FILE_TOO_LARGE].contains(refusal) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Failure::Refused(refusal) if *refusal == TOO_SLOW => StatusCode::REQUEST_TIMEOUT,
            Failure::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Failure::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Failure::Missing(what) => what.status(),
            _ => match refusal.code {
                ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
                ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
                ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
                ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }

    fn add_headers(&self, failure: &Failure, refusal: Refusal, response: &mut Response) {
        let headers = response.headers_mut();
        let challenge = match refusal.code {
            // RFC 6749 §5.2: answered in the scheme the client used.
            ErrorCode::InvalidClient if self.authorization().is_ok_and(|header| header.is_some()) => {
                Some("Basic realm=\"signet\"".to_owned())
            }
            ErrorCode::InvalidToken | ErrorCode::InsufficientScope => Some(format!(
                "Bearer realm=\"signet\", error=\"{}\", error_description=\"{}\"",
                refusal.code.as_str(),
                refusal.description
            )),
            _ => None,
        };
        if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        match failure {
            Failure::Method(allowed) => drop(headers.insert(ALLOW, HeaderValue::from_static(allowed))),
            Failure::Throttled(wait) => drop(headers.insert(RETRY_AFTER, HeaderValue::from(wait.0))),
            _ if refusal.code == ErrorCode::TemporarilyUnavailable => {
                headers.insert(RETRY_AFTER, RETRY);
            }
            _ => {}
        }
    }

    fn page_failure(&self, lang: Lang, failure: &Failure) -> Response {
        let (problem, refusal, home) = match failure {
            Failure::Problem(page) => (page.problem, page.refusal, page.home.as_deref()),
            Failure::Refused(refusal) if [TOO_LARGE, FILE_TOO_LARGE].contains(refusal) => {
                (Problem::TooLarge, Some(*refusal), None)
            }
            Failure::Refused(refusal) if *refusal == TOO_SLOW => (Problem::TooSlow, Some(*refusal), None),
            Failure::Refused(refusal) | Failure::Rejected(refusal, _) => {
                (refused_page(refusal.code), Some(*refusal), None)
            }
            Failure::Method(_) => (Problem::MethodNotAllowed, None, None),
            Failure::Missing(Missing::Host) => {
                (Problem::UnknownHost { known: self.host_origin() }, None, None)
            }
            Failure::Missing(_) => (Problem::NotFound, None, None),
            Failure::Busy(_)
            | Failure::Throttled(_)
            | Failure::Store(StoreError::Busy | StoreError::Unavailable(_)) => {
                (Problem::Unavailable, None, None)
            }
            Failure::Store(_) | Failure::Jose(_) | Failure::Internal(_) => (Problem::ServerError, None, None),
        };
        let mut page = problem.page(lang, &self.request_id);
        if let Some(refusal) = &refusal {
            page = page.for_developer(refusal.code.as_str(), refusal.description);
        }
        if let Some((name, address)) = home {
            page = page.with_home(Link { href: address, text: name });
        }
        let brand = self.brand_of(failure, lang);
        let page = page.branded(brand);
        let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = respond::page(status, &page, &Policy::default().showing(&brand));
        match failure {
            Failure::Method(allowed) => {
                drop(response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed)))
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(RETRY_AFTER, RETRY);
            }
            _ => {}
        }
        response
    }

    /// How the application shows itself that a failure is about, or at whose address it is told.
    fn brand_of<'a>(&'a self, failure: &'a Failure, lang: Lang) -> Brand<'a> {
        let about: Option<&Application> = match failure {
            Failure::Problem(PageProblem { application, .. }) => application.as_deref(),
            _ => None,
        };
        about.map_or_else(|| self.brand(lang), |application| Brand::of(application, lang))
    }

    /// Writes a failure to the log, once.
    pub fn log(&self, failure: &Failure) {
        let id = self.request_id.as_str();
        match failure {
            Failure::Refused(refusal) | Failure::Rejected(refusal, _) => {
                tracing::info!(
                    request_id = id,
                    error = refusal.code.as_str(),
                    detail = refusal.description,
                    "refused"
                );
            }
            Failure::Problem(page) => {
                let code = page.refusal.map(|refusal| refusal.code.as_str());
                tracing::info!(request_id = id, problem = ?page.problem, error = code, "refused on a page");
            }
            Failure::Method(allowed) => tracing::info!(request_id = id, allowed, "method not allowed"),
            Failure::Missing(what) => tracing::info!(request_id = id, ?what, "nothing is there"),
            Failure::Busy(busy) => tracing::warn!(request_id = id, "{busy}"),
            Failure::Throttled(wait) => tracing::info!(request_id = id, seconds = wait.0, "told to wait"),
            Failure::Store(error) => tracing::error!(request_id = id, %error, "the store failed"),
            Failure::Jose(error) => tracing::error!(request_id = id, %error, "a key failed"),
            Failure::Internal(what) => tracing::error!(request_id = id, "{what}"),
        }
    }
}

fn refused_page(code: ErrorCode) -> Problem<'static> {
    match code {
        ErrorCode::InvalidClient => Problem::BadClient,
        ErrorCode::InvalidRedirectUri => Problem::BadRedirectUri,
        _ => Problem::BadRequest,
    }
}

/// The answer to a method a path does not have.
pub fn only(method: &Method, allowed: &'static str) -> Result<(), Failure> {
    let listed = allowed.split(", ").any(|one| one == method.as_str());
    if listed { Ok(()) } else { Err(Failure::Method(allowed)) }
}
