//! Signing in to the console: always anew, by the password, at the pool's own address.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use signet_protocol::{
    limits::IDENTIFIER_BYTES,
    params::RawParams,
    transaction::{csrf_fits, csrf_token},
    user::{ActiveUser, LoginName},
};

use signet_store::audit::Via;

use super::{
    Answer, Ask, Operator,
    gate::{here, onward, same_origin, sign_in_for},
    kept::Kept,
    session,
    shell::{ShellWords, language},
    words::Words,
};
use crate::{
    Signet, cookies,
    edge::{Edge, Form},
    error::{Failure, only},
    login::{
        attempts::device_cookie,
        browser::Browser,
        credentials::{Checked, Credentials, Door},
    },
    pages::{Catalogue, Lang, LoginAlert, Problem},
    respond::{self, Policy},
};

/// The sign-in form. Posts `csrf`, `to`, `username` and `password`, and what waits to be sent on.
#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage<'a> {
    lang: Lang,
    to: &'a str,
    csrf: &'a str,
    identifier: &'a str,
    alert: Option<Alert>,
    /// Whether nobody owns the pool yet.
    unowned: bool,
    /// What they sent when their login had ended.
    waits: Waits,
}

/// What was sent when the login had ended.
#[derive(Clone, Default)]
enum Waits {
    /// Nothing was.
    #[default]
    Nothing,
    /// This, encoded.
    Kept(String),
    /// More than can wait.
    Lost,
}

impl Waits {
    fn kept(&self) -> Option<&str> {
        if let Waits::Kept(text) = self { Some(text) } else { None }
    }

    fn is_lost(&self) -> bool {
        matches!(self, Waits::Lost)
    }
}

/// What was sent when the login had ended, to be sent on by the new one.
#[derive(Template)]
#[template(path = "console/go_on.html")]
struct GoOnPage<'a> {
    lang: Lang,
    action: &'a str,
    csrf: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl GoOnPage<'_> {
    fn t(&self) -> &'static ShellWords {
        ShellWords::of(self.lang)
    }
}

/// The password, asked for again. Posts what was sent before once more, with it.
#[derive(Template)]
#[template(path = "console/confirm.html")]
pub struct ConfirmPage<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// Where it was sent.
    pub action: &'a str,
    /// Whose password.
    pub account: &'a str,
    /// What was sent.
    pub fields: &'a [(&'a str, &'a str)],
    /// A text that was sent along, too large for a field of another kind.
    pub text: Option<&'a str>,
    /// Why it is asked again.
    pub alert: Option<Alert>,
}

/// Why a form is shown again.
#[derive(Clone, Copy)]
pub enum Alert {
    /// As on the login page.
    Login(LoginAlert),
    /// The password is right, but whoever it is has no role.
    NoRole,
}

impl Alert {
    fn text(self, lang: Lang) -> String {
        match self {
            Alert::Login(alert) => alert.text(lang),
            Alert::NoRole => ShellWords::of(lang).no_role.to_owned(),
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Alert::Login(LoginAlert::Throttled { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Alert::Login(LoginAlert::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            Alert::Login(_) => StatusCode::BAD_REQUEST,
            Alert::NoRole => StatusCode::FORBIDDEN,
        }
    }

    fn wait(self) -> Option<u64> {
        match self {
            Alert::Login(LoginAlert::Throttled { seconds }) => Some(seconds),
            Alert::Login(LoginAlert::Busy) => Some(2),
            _ => None,
        }
    }
}

impl SignInPage<'_> {
    fn t(&self) -> &'static ShellWords {
        ShellWords::of(self.lang)
    }
}

impl ConfirmPage<'_> {
    fn t(&self) -> &'static ShellWords {
        ShellWords::of(self.lang)
    }
}

/// What came of a password that was asked for.
pub enum Tried {
    /// There was none.
    Not,
    /// It is right.
    Right(ActiveUser),
    /// It is not, or was not looked at.
    Wrong(Alert),
}

/// The answer to somebody who is not signed in: the sign-in page, and from it back to where they wanted.
pub fn first(target: &str, posts: bool) -> Response {
    respond::see_other(&sign_in_for(onward(Some(if posts { "/console" } else { target }))))
}

/// The answer to a form that was sent when the login had ended: the sign-in page, in which it waits, or which says that it cannot.
pub async fn again(
    signet: &Arc<Signet>,
    edge: &Edge,
    target: &str,
    kept: &Kept,
) -> Result<Response, Failure> {
    let waits = kept.encode().map_or(Waits::Lost, Waits::Kept);
    let to = if waits.is_lost() { "/console" } else { onward(Some(target)) };
    page(signet, edge, (to, waits), ("", None)).await
}

/// The same for a form with a file, which is read of nobody who is not signed in.
pub async fn lost(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    page(signet, edge, ("/console", Waits::Lost), ("", None)).await
}

/// GET and POST `/console/sign-in`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let lang = language(&edge);
    let result = match edge.method {
        Method::POST => submit(&signet, &edge, form).await,
        _ => show(&signet, &edge).await,
    };
    edge.page(lang, result)
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Answer {
    here(edge)?;
    only(&edge.method, "GET, POST, HEAD")?;
    let query = edge.query()?;
    let to = onward(query.get("to"));
    if Operator::of(signet, edge).await?.is_some() {
        return Ok(respond::see_other(to));
    }
    page(signet, edge, (to, Waits::Nothing), ("", None)).await
}

async fn page(
    signet: &Arc<Signet>,
    edge: &Edge,
    (to, waits): (&str, Waits),
    (identifier, alert): (&str, Option<Alert>),
) -> Answer {
    let browser = Browser::of(edge);
    let unowned = !signet.store().has_owner().await?;
    let csrf = token(signet, &browser);
    let page = SignInPage { lang: language(edge), to, csrf: &csrf, identifier, alert, unowned, waits };
    let status = alert.map_or(StatusCode::OK, Alert::status);
    let mut response = respond::page(status, &page, &Policy::CONSOLE);
    if let Some(seconds) = alert.and_then(Alert::wait) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

fn token(signet: &Signet, browser: &Browser) -> String {
    csrf_token(signet.store().pool().csrf_key.expose(), browser.value(), "console sign-in", None)
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Answer {
    here(edge)?;
    let form = form.params()?;
    let browser = Browser::shown(edge).ok_or(Problem::CookiesBlocked)?;
    if !(same_origin(edge) && csrf_fits(form.get("csrf"), &token(signet, &browser))) {
        return Err(Problem::WrongBrowser.into());
    }
    let to = onward(form.get("to"));
    let again = |alert| (form.get("username").unwrap_or_default(), Some(alert));
    let kept = form.get("kept").and_then(|text| Some((text, Kept::decode(text)?)));
    let waits = || kept.as_ref().map_or(Waits::Nothing, |(text, _)| Waits::Kept((*text).to_owned()));
    let user = match check(signet, edge, &form).await? {
        Ok(user) => user,
        Err(alert) => return page(signet, edge, (to, waits()), again(Alert::Login(alert))).await,
    };
    let replaced = Operator::of(signet, edge).await?.map(|operator| operator.session());
    let Some(begun) = session::begin(signet, edge, &user, replaced).await? else {
        tracing::warn!(request_id = edge.request_id, sub = %user.id, "no role at the console");
        return page(signet, edge, (to, waits()), again(Alert::NoRole)).await;
    };
    tracing::info!(request_id = edge.request_id, sub = %user.id, "signed in to the console");
    let device = device_cookie(signet, edge, user.id);
    let response = match &kept {
        None => respond::see_other(to),
        Some((_, kept)) => {
            let fields = kept.fields();
            let page = GoOnPage { lang: language(edge), action: to, csrf: &begun.csrf, fields };
            respond::page(StatusCode::OK, &page, &Policy::CONSOLE)
        }
    };
    Ok(respond::set_cookies(response, [Some(begun.cookie), device]))
}

async fn check(
    signet: &Signet,
    edge: &Edge,
    form: &RawParams,
) -> Result<Result<ActiveUser, LoginAlert>, Failure> {
    let (Some(typed), Some(password)) = (form.get("username"), form.get("password")) else {
        return Ok(Err(LoginAlert::Missing));
    };
    if typed.len() > IDENTIFIER_BYTES {
        return Ok(Err(LoginAlert::TooLong));
    }
    let Some(name) = LoginName::parse(typed) else { return Ok(Err(LoginAlert::Missing)) };
    let Some(credentials) = Credentials::new(name, password) else { return Ok(Err(LoginAlert::TooLong)) };
    Ok(match credentials.check(signet, edge, Door { via: Via::Console, application: None }).await? {
        Checked::Right(user) => Ok(user),
        Checked::Wrong => Err(LoginAlert::WrongCredentials),
        Checked::Throttled(wait) => Err(LoginAlert::Throttled { seconds: wait.0.unsigned_abs() }),
        Checked::Busy => Err(LoginAlert::Busy),
    })
}

/// Looks whether `password` is that of `user`, by the same counters as a sign-in (attack 14).
pub async fn prove(
    signet: &Signet,
    edge: &Edge,
    user: &ActiveUser,
    password: &str,
) -> Result<Tried, Failure> {
    let mut form = RawParams::default();
    form.add("username", user.account_name());
    form.add("password", password);
    Ok(match check(signet, edge, &form).await? {
        Ok(proved) if proved.id == user.id => Tried::Right(proved),
        Ok(_) => Tried::Wrong(Alert::Login(LoginAlert::WrongCredentials)),
        Err(alert) => Tried::Wrong(Alert::Login(alert)),
    })
}

/// POST `/console/sign-out`.
pub async fn sign_out(ask: Ask) -> Answer {
    ask.operator.sign_out(&ask.signet, &ask.edge).await?;
    let gone = ask.edge.cookies.remove(cookies::CONSOLE);
    Ok(respond::set_cookies(respond::see_other("/console/sign-in"), [gone]))
}
