//! What is read of every request before a handler sees it.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    response::Response,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, USER_AGENT},
    request::Parts,
};
use signet_protocol::{
    application::Application,
    error::{ErrorCode, Refusal, refuse},
    issuer::{Issuer, IssuerId, Site},
    jose,
    limits::PARAMS_BYTES,
    params::RawParams,
    pool::PoolSettings,
    sign_in::Language,
};

use crate::{
    Peer, Signet,
    cookies::Cookies,
    error::{Failure, Missing, TOO_LARGE, TOO_SLOW},
    pages::{Brand, Lang},
    patience::within,
    trace::{Refused, Traces},
};

/// A request as far as every handler needs it: which issuer it is for, and who sent it.
#[derive(Clone)]
pub struct Edge {
    /// The issuer of the host.
    pub issuer: Issuer,
    /// The application whose own host it is; `None` at the pool's.
    pub own: Option<Arc<Application>>,
    /// Its cookies.
    pub cookies: Cookies,
    /// The name under which the log has it.
    pub request_id: String,
    /// Where it comes from: the peer of the connection, or whom a trusted proxy names.
    pub peer: IpAddr,
    /// The page that sent it, if a script did.
    pub origin: Option<String>,
    /// What the program that sent it calls itself.
    pub user_agent: Option<HeaderValue>,
    /// The App ID in the header `x-authing-app-id`, which older client libraries send.
    pub app_id: Option<String>,
    /// Its method.
    pub method: Method,
    /// Whether its path is one where errors are JSON.
    pub asks_for_json: bool,
    /// Its path and query.
    pub uri: Uri,
    pool: Option<Arc<PoolSettings>>,
    /// Where failures are told, for those who run the server.
    traces: Arc<Traces>,
    body: Arc<ReadBody>,
    authorization: Result<Option<String>, Refusal>,
    accept_language: Option<String>,
}

/// The name of a request, made by the outermost layer.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Names requests: each otherwise, and none tells how many there were. A keyed hash does, and costs a tenth of what as many
/// bytes of the system's randomness would.
#[derive(Default)]
pub struct RequestIds {
    key: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    /// The next name: 96 bits as base64url.
    pub fn next(&self) -> RequestId {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let [first, second] = [0, 1].map(|half: u8| self.key.hash_one((number, half)).to_be_bytes());
        RequestId(jose::b64(&[first.as_slice(), second.split_at(4).0].concat()))
    }
}

/// The body of a request as far as it was read, for whoever has to say what was wrong with it.
#[derive(Default)]
struct ReadBody(OnceLock<Bytes>);

const APP_ID: HeaderName = HeaderName::from_static("x-authing-app-id");

impl Edge {
    /// Its `Authorization` header. One that cannot be read is refused: taken for none, the credentials in it would be passed over.
    pub fn authorization(&self) -> Result<Option<&str>, Refusal> {
        self.authorization.as_ref().map(Option::as_deref).map_err(|refusal| *refusal)
    }

    /// The parameters of the query.
    pub fn query(&self) -> Result<RawParams, Failure> {
        Ok(RawParams::parse(self.uri.query().unwrap_or_default().as_bytes())?)
    }

    /// Keeps a trace of a refusal, to be looked at by those who run the server.
    pub fn trace(&self, refusal: Refusal) {
        self.trace_request(refusal, None);
    }

    /// The same of a request whose parameters are not those that are in the URL or the body.
    pub fn trace_request(&self, refusal: Refusal, params: Option<&RawParams>) {
        self.traces.note(self.peer, || Refused {
            request_id: self.request_id.clone(),
            method: self.method.clone(),
            path: self.uri.path().to_owned(),
            query: self.uri.query().map(str::to_owned),
            body: self.body.0.get().cloned(),
            params: params.map(RawParams::encode),
            authorization: self.authorization.as_ref().ok().and_then(Clone::clone),
            issuer: self.issuer.clone(),
            own: self.own.clone(),
            refusal,
        });
    }

    /// The language of a page for people of the pool: of those it offers what the request asks for, else what the browser
    /// prefers.
    pub fn lang(&self, ui_locales: Option<&str>) -> Lang {
        let offered = self.pool.as_deref().map_or(Language::ALL, |pool| &pool.sign_in.languages);
        Lang::choose(offered, ui_locales, self.accept_language.as_deref())
    }

    /// The language of a page for who administers it, whatever its people are offered.
    pub fn operators_lang(&self, wanted: Option<&str>) -> Lang {
        Lang::choose(Language::ALL, wanted, self.accept_language.as_deref())
    }

    /// The settings of the pool, for a page; nothing where errors are JSON, or while the database is away.
    pub fn pool(&self) -> Option<&PoolSettings> {
        self.pool.as_deref()
    }

    /// How the application shows itself whose own address this is.
    pub fn brand(&self, lang: Lang) -> Brand<'_> {
        self.own.as_deref().map(|application| Brand::of(application, lang)).unwrap_or_default()
    }

    /// The origin of this host, or of the pool for a host that is none of ours, without a slash at the end.
    pub fn host_origin(&self) -> &str {
        self.issuer.url().strip_suffix("/oidc").unwrap_or_default()
    }
}

impl FromRequestParts<Arc<Signet>> for Edge {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, signet: &Arc<Signet>) -> Result<Edge, Response> {
        let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0);
        let https = signet.settings().base_url.is_https();
        let body = Arc::<ReadBody>::default();
        parts.extensions.insert(Arc::clone(&body));
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (issuer, own, failure) = match find_site(signet, parts).await {
            Ok((issuer, own)) => (issuer, own, None),
            Err(failure) => (signet.pool_issuer().clone(), None, Some(failure)),
        };
        let asks_for_json = asks_for_json(parts.uri.path());
        let pool = match asks_for_json {
            true => None,
            // Whoever needs the database finds out that it is away.
            false => signet.store().pool_settings().await.ok(),
        };
        let edge = Edge {
            pool,
            issuer,
            own,
            cookies: Cookies::read(&parts.headers, https),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default(),
            peer: signet.settings().proxies.sender(peer, &parts.headers),
            origin: text(ORIGIN),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            app_id: text(APP_ID),
            authorization: authorization(&parts.headers),
            method: parts.method.clone(),
            asks_for_json,
            uri: parts.uri.clone(),
            traces: Arc::clone(signet.traces()),
            body,
            accept_language: text(ACCEPT_LANGUAGE),
        };
        match failure {
            None => Ok(edge),
            Some(failure) => Err(edge.turn_away(failure)),
        }
    }
}

/// The `Authorization` header is not exactly one that can be read.
const BAD_AUTHORIZATION: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the Authorization header is there twice or is not ASCII; send one, of a scheme and its credentials",
)
.by("client_authentication", "RFC 9110 §11.6.2");

/// The one `Authorization` header (RFC 9110 §11.6.2).
fn authorization(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(|text| Some(text.to_owned())).map_err(|_| BAD_AUTHORIZATION),
        (Some(_), Some(_)) => Err(BAD_AUTHORIZATION),
    }
}

/// The paths below an issuer that a browser is sent to; programs call the others.
const FOR_BROWSERS: &[&str] =
    &["/oidc/auth", "/oidc/auth/resume", "/oidc/session/check", "/oidc/session/end"];

/// Whether errors at `path` are JSON, as protocol endpoints have them (RFC 6749 §5.2), and not pages.
pub fn asks_for_json(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/oidc/") && !FOR_BROWSERS.contains(&path)
}

async fn find_site(signet: &Signet, parts: &Parts) -> Result<(Issuer, Option<Arc<Application>>), Failure> {
    let base = &signet.settings().base_url;
    let pool = signet.store().pool().id;
    let host = request_host(&parts.headers, &parts.uri).ok_or(Missing::Host)?;
    match base.resolve(&host).ok_or(Missing::Host)? {
        Site::Pool => Ok((signet.pool_issuer().clone(), None)),
        Site::Application(identifier) => {
            let found = signet.store().application_by_identifier(&identifier).await?;
            let application = found.filter(|application| application.enabled).ok_or(Missing::Application)?;
            let id = IssuerId::Application(application.id);
            Ok((Issuer::at(base, &Site::Application(identifier), pool, id), Some(application)))
        }
    }
}

/// The host a request names, if it names exactly one (RFC 9112 §3.2). No other header counts (attack 11).
pub fn request_host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut named = headers.get_all(HOST).iter();
    let header = named.next().and_then(|value| value.to_str().ok());
    if named.next().is_some() {
        return None;
    }
    match uri.authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => header.map(str::to_owned),
    }
}

/// How long the body of a request may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// The connection, or the coding of the body, broke off.
const BROKEN: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "the body of the request is broken off or wrongly framed; send all of it, as long as Content-Length says",
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
        Ok(Form(read_form(request).await))
    }
}

async fn read_form(request: Request) -> Result<RawParams, Failure> {
    let kind = request.headers().get(CONTENT_TYPE).cloned();
    let read = request.extensions().get::<Arc<ReadBody>>().cloned();
    let bytes = read_body(request).await?;
    if let Some(read) = read {
        // A request has one body.
        let _ = read.0.set(bytes.clone());
    }
    let kind = kind.as_ref().map(|value| value.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/x-www-form-urlencoded") => Ok(RawParams::parse(&bytes)?),
        None if bytes.is_empty() => Ok(RawParams::default()),
        _ => Err(Failure::Refused(
            refuse(
                ErrorCode::InvalidRequest,
                "the body must be a form: send Content-Type application/x-www-form-urlencoded",
            )
            .by("content_type", "RFC 6749 §3.2"),
        )),
    }
}

async fn read_body(request: Request) -> Result<Bytes, Refusal> {
    read_bytes(request, PARAMS_BYTES).await
}

/// The body of a request, of at most so many bytes.
pub async fn read_bytes(mut request: Request, most: usize) -> Result<Bytes, Refusal> {
    DefaultBodyLimit::max(most).apply(&mut request);
    // A body that trickles in would hold its connection for ever.
    match within(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)))) => {
            Err(TOO_LARGE)
        }
        Ok(Err(_)) => Err(BROKEN),
        Err(_) => Err(TOO_SLOW),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn requests_have_names_of_their_own_that_do_not_follow_one_another() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let names: HashSet<String> = (0..1000)
            .flat_map(|_| [one.next().0, other.next().0])
            .inspect(|name| assert_eq!(name.len(), 16))
            .collect();
        assert_eq!(names.len(), 2000);
        // A counter would show in the first or the last characters.
        for part in [0..4, 12..16] {
            let parts: HashSet<&str> = names.iter().filter_map(|name| name.get(part.clone())).collect();
            assert!(parts.len() > 1900, "{} different", parts.len());
        }
    }
}
