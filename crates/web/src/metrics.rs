//! What the HTTP surface counts.
//!
//! A handler marks its answer with what it means; the outermost layer counts the answer and its mark. Every counter there
//! can be exists from the start, so counting looks nothing up behind a lock. No label comes from a request.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::response::Response;
use http::Method;
use signet_protocol::{application::GrantType, error::ErrorCode};
use signet_store::stats::{Counter, Histogram};

/// The paths of the route table; a test of it finds one that is missing here. The last stands for all others.
const ROUTES: &[&str] = &[
    "/",
    "/api/v1",
    "/api/v2/oidc/validate_token",
    "/console",
    "/consent",
    "/healthz",
    "/login",
    "/login/account",
    "/login/profile/logout",
    "/login/sso",
    "/login/ticket",
    "/login/forgot",
    "/login/reset",
    "/oidc/.well-known/jwks.json",
    "/oidc/.well-known/openid-configuration",
    "/oidc/auth",
    "/oidc/auth/resume",
    "/oidc/me",
    "/oidc/session/check",
    "/oidc/session/end",
    "/oidc/session/sign-out",
    "/oidc/token",
    "/oidc/token/introspection",
    "/oidc/token/revocation",
    "/readyz",
    "/static/{*path}",
    "none",
];
/// The last stands for all others.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "other"];
/// The last stands for all others.
const STATUSES: &[&str] = &[
    "200", "201", "204", "303", "304", "400", "401", "403", "404", "405", "408", "409", "412", "413", "415",
    "421", "422", "429", "500", "503", "other",
];

/// What an answer means beyond its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It tells an error.
    Refused(ErrorCode),
    /// It carries tokens.
    Tokens(GrantType),
}

/// How an attempt to sign in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Signed in.
    Succeeded,
    /// A wrong name or password, or a blocked user.
    Failed,
    /// Not looked at: too many attempts.
    Throttled,
    /// Not looked at: the hashing threads are at capacity.
    Busy,
}

const LOGINS: &[&str] = &["succeeded", "failed", "throttled", "busy"];

/// What became of a try to tell an application of a logout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was taken.
    Delivered,
    /// It is tried again.
    Failed,
    /// It was not taken for a day.
    GivenUp,
}

const NOTICES: &[&str] = &["delivered", "failed", "given_up"];

/// Says what `response` means.
pub fn mark(mut response: Response, outcome: Outcome) -> Response {
    response.extensions_mut().insert(outcome);
    response
}

/// The counters.
#[derive(Debug)]
pub struct Metrics {
    requests: Table,
    errors: Table,
    tokens: Table,
    logins: Table,
    notices: Table,
    receivers_waiting: AtomicU64,
    durations: Vec<Histogram>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            requests: Table::new(&[ROUTES.len(), METHODS.len(), STATUSES.len()]),
            errors: Table::new(&[ROUTES.len(), ErrorCode::ALL.len()]),
            tokens: Table::new(&[GrantType::ALL.len()]),
            logins: Table::new(&[LOGINS.len()]),
            notices: Table::new(&[NOTICES.len()]),
            receivers_waiting: AtomicU64::new(0),
            durations: ROUTES.iter().map(|_| Histogram::of_durations()).collect(),
        }
    }
}

impl Metrics {
    /// Counts an answer of the route with this path.
    pub(crate) fn answered(&self, route: usize, method: &Method, response: &Response, took: Duration) {
        let (method, status) = (find(METHODS, method.as_str()), find(STATUSES, response.status().as_str()));
        self.requests.inc(&[route, method, status]);
        self.durations.get(route).inspect(|histogram| histogram.took(took));
        match response.extensions().get::<Outcome>() {
            Some(Outcome::Refused(code)) => self.errors.inc(&[route, place(ErrorCode::ALL, *code)]),
            Some(Outcome::Tokens(grant)) => self.tokens.inc(&[place(GrantType::ALL, *grant)]),
            None => {}
        }
    }

    /// Counts an attempt to sign in, at whatever door.
    pub(crate) fn tried_to_sign_in(&self, ended: Login) {
        self.logins.inc(&[ended as usize]);
    }

    /// Requests by route, method and status; none that is 0.
    pub fn requests(&self) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        self.requests.counted().map(|([route, method, status], count)| {
            ([name(ROUTES, route), name(METHODS, method), name(STATUSES, status)], count)
        })
    }

    /// How long answers took, by route; none that was not asked.
    pub fn durations(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        let asked = |(_, histogram): &(&str, &Histogram)| histogram.count() > 0;
        ROUTES.iter().copied().zip(&self.durations).filter(asked)
    }

    /// Errors by route and code; none that is 0.
    pub fn errors(&self) -> impl Iterator<Item = ([&'static str; 2], u64)> {
        self.errors.counted().map(|([route, code], count)| {
            ([name(ROUTES, route), ErrorCode::ALL.get(code).map_or("", |code| code.as_str())], count)
        })
    }

    /// Answers with tokens, by grant type.
    pub fn tokens(&self) -> impl Iterator<Item = (&'static str, u64)> {
        GrantType::ALL.iter().map(|grant| grant.as_str()).zip(self.tokens.all())
    }

    /// Counts a try to tell an application of a logout.
    pub(crate) fn noticed(&self, notice: Notice) {
        self.notices.inc(&[notice as usize]);
    }

    /// Takes in how many applications have logout notices waiting.
    pub(crate) fn receivers_waiting(&self, count: u64) {
        self.receivers_waiting.store(count, Ordering::Relaxed);
    }

    /// Tries to tell applications of logouts, by what became of them.
    pub fn notices(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NOTICES.iter().copied().zip(self.notices.all())
    }

    /// Applications that have logout notices waiting, as of the last look.
    pub fn waiting_receivers(&self) -> u64 {
        self.receivers_waiting.load(Ordering::Relaxed)
    }

    /// Attempts to sign in, by how they ended.
    pub fn logins(&self) -> impl Iterator<Item = (&'static str, u64)> {
        LOGINS.iter().copied().zip(self.logins.all())
    }
}

/// The place of a route among those that are counted, by its path as the route table has it.
pub(crate) fn route(path: Option<&str>) -> usize {
    // The console is counted as a whole, and so is the admin API.
    let whole = ["/console", "/api/v1"];
    let path = path.map(|path| whole.into_iter().find(|whole| path.starts_with(whole)).unwrap_or(path));
    let found = find(ROUTES, path.unwrap_or_default());
    debug_assert!(path.is_none() || name(ROUTES, found) != "none", "{path:?} is missing in ROUTES");
    found
}

/// The path of every route, but for those of the console and the admin API, which have tables of their own.
pub fn routes() -> &'static [&'static str] {
    ROUTES
}

/// The path of the route at this place.
pub(crate) fn route_path(route: usize) -> &'static str {
    name(ROUTES, route)
}

/// The name of a method, or `other`: a request may name one as it likes.
pub(crate) fn method(method: &Method) -> &'static str {
    name(METHODS, find(METHODS, method.as_str()))
}

/// The place of `wanted`, or the last place, which stands for the rest.
fn find(names: &[&str], wanted: &str) -> usize {
    names.iter().position(|name| *name == wanted).unwrap_or(names.len().saturating_sub(1))
}

fn place<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_default()
}

fn name(names: &[&'static str], at: usize) -> &'static str {
    names.get(at).copied().unwrap_or_default()
}

/// Counters by several labels, each given by its place.
#[derive(Debug)]
struct Table {
    sizes: Vec<usize>,
    counters: Box<[Counter]>,
}

impl Table {
    fn new(sizes: &[usize]) -> Table {
        let counters = (0..sizes.iter().product()).map(|_| Counter::default()).collect();
        Table { sizes: sizes.to_vec(), counters }
    }

    fn inc(&self, at: &[usize]) {
        let index = at.iter().zip(&self.sizes).fold(0, |index, (place, size)| index * size + place);
        self.counters.get(index).inspect(|counter| counter.inc());
    }

    fn all(&self) -> impl Iterator<Item = u64> {
        self.counters.iter().map(Counter::get)
    }

    fn counted<const N: usize>(&self) -> impl Iterator<Item = ([usize; N], u64)> {
        let places = |mut index: usize| {
            let mut at = [0; N];
            for (place, size) in at.iter_mut().zip(&self.sizes).rev() {
                (*place, index) = (index % size, index / size);
            }
            at
        };
        self.all()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .map(move |(index, count)| (places(index), count))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(status: StatusCode) -> Response {
        let mut response = Response::default();
        *response.status_mut() = status;
        response
    }

    #[test]
    fn an_answer_is_counted_where_it_belongs() {
        let (metrics, took) = (Metrics::default(), Duration::from_millis(3));
        let token = route(Some("/oidc/token"));
        let refused = mark(answer(StatusCode::BAD_REQUEST), Outcome::Refused(ErrorCode::InvalidGrant));
        metrics.answered(token, &Method::POST, &refused, took);
        let tokens = mark(answer(StatusCode::OK), Outcome::Tokens(GrantType::RefreshToken));
        for _ in 0..2 {
            metrics.answered(token, &Method::POST, &tokens, took);
        }
        metrics.answered(route(None), &Method::TRACE, &answer(StatusCode::IM_A_TEAPOT), took);
        let busy = answer(StatusCode::SERVICE_UNAVAILABLE);
        metrics.answered(route(Some("/login")), &Method::POST, &busy, took);
        metrics.tried_to_sign_in(Login::Busy);
        let requests: Vec<_> = metrics.requests().collect();
        assert_eq!(
            requests,
            [
                (["/login", "POST", "503"], 1),
                (["/oidc/token", "POST", "200"], 2),
                (["/oidc/token", "POST", "400"], 1),
                (["none", "other", "other"], 1),
            ]
        );
        assert_eq!(metrics.errors().collect::<Vec<_>>(), [(["/oidc/token", "invalid_grant"], 1)]);
        let tokens: Vec<_> = metrics.tokens().collect();
        let others = [("authorization_code", 0), ("password", 0), ("implicit", 0), ("client_credentials", 0)];
        assert!(tokens.contains(&("refresh_token", 2)) && tokens.len() == 1 + others.len());
        assert!(others.iter().all(|other| tokens.contains(other)), "{tokens:?}");
        let logins: Vec<_> = metrics.logins().collect();
        assert_eq!(logins, [("succeeded", 0), ("failed", 0), ("throttled", 0), ("busy", 1)]);
        let durations: Vec<_> = metrics.durations().map(|(route, took)| (route, took.count())).collect();
        assert_eq!(durations, [("/login", 1), ("/oidc/token", 3), ("none", 1)]);
    }

    #[test]
    fn each_code_and_each_end_of_a_login_has_its_place() {
        for (place, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, place, "{code:?}");
        }
        assert_eq!(ErrorCode::ALL.last(), Some(&ErrorCode::Misconfiguration), "the last one there is");
        assert_eq!(LOGINS.get(Login::Busy as usize), Some(&"busy"));
        assert_eq!(NOTICES.get(Notice::GivenUp as usize), Some(&"given_up"));
    }
}
