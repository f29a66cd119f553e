//! The route table, and the layers around it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Path, Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{any, get},
};
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use signet_protocol::{pool::DEFAULT_NAME, sign_in::Language};
use tracing::Span;

use crate::{
    Signet, api, console,
    edge::{Edge, RequestId, RequestIds, asks_for_json},
    error::{self, Missing},
    login,
    logout::{session_state, sign_out},
    metrics::{self, Metrics},
    oidc::{auth, cors, discovery, introspection, me, revocation, session_end, token, validate_token},
    pages::{self, Lang, Problem, StartPage},
    patience::within,
    ready::{self, Readiness},
    respond::{self, Policy},
};

/// A year (RFC 6797 §6.1). Not includeSubDomains: what else lives below the base host is not ours to decide.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a request may take, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Every path Signet answers.
pub fn router(signet: Arc<Signet>) -> Router {
    let around = Around {
        https: signet.settings().base_url.is_https(),
        readiness: Arc::clone(signet.readiness()),
        metrics: Arc::clone(signet.metrics()),
        ids: Arc::default(),
    };
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(ready::handle))
        .route("/", get(start))
        .route("/static/{*path}", get(assets))
        .route("/login", any(login::sign_in::handle))
        .route("/login/account", any(login::account::handle))
        .route("/login/sso", any(login::sso::arrive))
        .route("/login/ticket", any(login::sso::come_back))
        .route("/login/forgot", any(login::forgot::handle))
        .route("/login/reset", any(login::reset::handle))
        .route("/consent", any(login::consent::handle))
        .route("/oidc/auth", any(auth::handle))
        .route("/oidc/auth/resume", any(auth::resume))
        .route("/oidc/token", any(token::handle).options(cors::preflight))
        .route("/oidc/me", any(me::handle).options(cors::preflight))
        .route("/oidc/token/introspection", any(introspection::handle).options(cors::preflight))
        .route("/oidc/token/revocation", any(revocation::handle).options(cors::preflight))
        .route("/api/v2/oidc/validate_token", any(validate_token::handle).options(cors::preflight))
        .route("/oidc/session/end", any(session_end::handle))
        .route("/oidc/session/check", any(session_state::handle))
        .route("/oidc/session/sign-out", any(sign_out::handle).options(cors::preflight))
        .route("/login/profile/logout", any(session_end::alias))
        .route(
            "/oidc/.well-known/openid-configuration",
            any(discovery::configuration).options(cors::preflight_public),
        )
        .route("/oidc/.well-known/jwks.json", any(discovery::jwks).options(cors::preflight_public))
        .merge(api::routes())
        .merge(console::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(around, name_and_log))
        .with_state(signet)
}

/// What the outermost layer knows.
#[derive(Clone, Default)]
struct Around {
    https: bool,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
    ids: Arc<RequestIds>,
}

/// Gives each request a name and an end, and writes one line when it is answered. Never the query: it may hold tokens (attack 25).
///
/// Where the base URL is https, browsers are told to come by nothing else. A server that is told to stop lets go of its
/// connections, one answer after the other, so that a proxy opens the next ones elsewhere.
async fn name_and_log(State(around): State<Around>, mut request: Request, next: Next) -> Response {
    let RequestId(id) = around.ids.next();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = metrics::route(request.extensions().get().map(MatchedPath::as_str));
    let since = Instant::now();
    request.extensions_mut().insert(RequestId(id.clone()));
    let accepted = request.headers().get(ACCEPT_LANGUAGE).cloned();
    let mut response = match within(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let lang =
                Lang::choose(Language::ALL, None, accepted.as_ref().and_then(|value| value.to_str().ok()));
            error::too_late(asks_for_json(&path), lang, &id)
        }
    };
    let took = since.elapsed();
    around.metrics.answered(route, &method, &response, took);
    tell_span(&method, route, &mut response, &id);
    let (status, micros) = (response.status().as_u16(), took.as_micros());
    tracing::info!(request_id = id, %method, path, status, micros, "answered");
    if around.readiness.is_stopping() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if around.https {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What the span of a request is called: known only with its answer, which carries it.
#[derive(Clone, Debug)]
pub struct SpanName(pub String);

/// Puts what is known by now into the span of the request, if it has one (OpenTelemetry semantic conventions, HTTP).
fn tell_span(method: &Method, route: usize, response: &mut Response, id: &str) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    let (method, route, status) = (metrics::method(method), metrics::route_path(route), response.status());
    span.record("http.request.method", method);
    span.record("http.route", route);
    span.record("http.response.status_code", status.as_u16());
    span.record("signet.request_id", id);
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response.extensions_mut().insert(SpanName(format!("{method} {route}")));
}

/// Whether the process is alive; a database that is away is no reason to restart it. Any host may ask.
async fn healthz() -> Response {
    respond::plain(StatusCode::OK, "ok\n")
}

async fn start(edge: Edge) -> Response {
    let lang = edge.lang(None);
    let application = edge.own.as_ref().map(|application| application.name.as_str());
    let named = edge.pool().map(|pool| pool.name.as_str()).filter(|name| *name != DEFAULT_NAME);
    let brand = edge.brand(lang);
    let page = StartPage {
        lang,
        brand,
        app_name: application.or(named),
        issuer: edge.issuer.url(),
        discovery: &edge.issuer.endpoint("/.well-known/openid-configuration"),
    };
    respond::page(StatusCode::OK, &page, &Policy::default().showing(&brand))
}

async fn assets(edge: Edge, Path(path): Path<String>) -> Response {
    let Some(asset) = pages::asset(&format!("/static/{path}")) else {
        return edge.turn_away(Missing::Path.into());
    };
    let mut response = Response::new(axum::body::Body::from(asset.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn not_found(edge: Edge) -> Response {
    edge.turn_away(Missing::Path.into())
}

async fn method_not_allowed(edge: Edge) -> Response {
    edge.page(edge.lang(None), Err(Problem::MethodNotAllowed.into()))
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;
    use tracing::subscriber::set_default;

    use super::*;

    /// What is logged, as text.
    #[derive(Default)]
    struct Log(Mutex<Vec<u8>>);

    impl io::Write for &Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_answered_for() {
        let log = Arc::new(Log::default());
        let _listening =
            set_default(tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::clone(&log)).finish());
        let router = Router::new()
            .fallback(std::future::pending::<Response>)
            .layer(from_fn_with_state(Around::default(), name_and_log));
        for (path, kind) in [("/oidc/token", "application/json"), ("/oidc/auth", "text/html; charset=utf-8")]
        {
            let since = tokio::time::Instant::now();
            let request = Request::get(path).body(Body::empty()).unwrap();
            let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
            let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            assert_eq!(since.elapsed().as_secs(), REQUEST_TIMEOUT.as_secs());
            assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(head.headers[CONTENT_TYPE], kind);
            assert_eq!(head.headers["retry-after"], "2");
            let id = head.headers[REQUEST_ID].to_str().unwrap();
            assert!(
                body.contains(if path == "/oidc/auth" { id } else { "temporarily_unavailable" }),
                "{body}"
            );
            let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let answered = log.lines().find(|line| line.contains(id) && line.contains("answered"));
            assert!(answered.unwrap().contains("status=503"), "{log}");
        }
    }
}
