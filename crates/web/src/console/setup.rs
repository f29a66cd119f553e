//! `/console/setup`: the one-time link by which the first administrator comes to the console.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderValue, Method, StatusCode, header::REFERRER_POLICY};
use serde_json::json;
use signet_protocol::{
    id::UserId,
    operator::Role,
    params::RawParams,
    secret::SecretHash,
    time::Now,
    transaction::{csrf_fits, csrf_token},
    user::User,
};
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Via},
};

use super::{
    Answer,
    gate::{here, same_origin},
    session,
    shell::{ShellWords, language},
    words::Words,
};
use crate::{
    Network, Signet, audit,
    clock::SystemEntropy,
    edge::{Edge, Form},
    error::{Failure, only},
    hashing::Asker,
    login::browser::Browser,
    manage::setup::{self, Offered, Unfit},
    pages::{Catalogue, Lang, Problem},
    respond::{self, Policy},
};

/// The form of the first administrator. Posts `csrf`, `link`, `username`, `email`, `password` and `again`.
#[derive(Template)]
#[template(path = "console/setup.html")]
struct SetupPage<'a> {
    lang: Lang,
    /// `None`: the link is good for nothing.
    form: Option<SetupForm<'a>>,
}

struct SetupForm<'a> {
    link: &'a str,
    csrf: &'a str,
    username: &'a str,
    email: &'a str,
    problems: BTreeMap<&'static str, String>,
}

impl SetupPage<'_> {
    fn t(&self) -> &'static ShellWords {
        ShellWords::of(self.lang)
    }
}

impl SetupForm<'_> {
    fn problem(&self, key: &str) -> Option<&str> {
        self.problems.get(key).map(String::as_str)
    }
}

/// GET and POST `/console/setup`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let lang = language(&edge);
    let result = match edge.method {
        Method::POST => submit(&signet, &edge, form).await,
        _ => show(&signet, &edge).await,
    };
    let mut response = edge.page(lang, result);
    // The link is in the address.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Answer {
    here(edge)?;
    only(&edge.method, "GET, POST, HEAD")?;
    let query = edge.query()?;
    let link = query.get("link").unwrap_or_default();
    page(signet, edge, link, (&RawParams::default(), BTreeMap::new())).await
}

async fn page(
    signet: &Arc<Signet>,
    edge: &Edge,
    link: &str,
    (typed, problems): (&RawParams, BTreeMap<&'static str, String>),
) -> Answer {
    let lang = language(edge);
    let Some(hash) = setup::hash(link) else { return Ok(refused(lang)) };
    if !signet.store().setup_is_offered(hash, signet.now()).await? {
        return Ok(refused(lang));
    }
    let browser = Browser::of(edge);
    let csrf = token(signet, &browser, link);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let username = typed.get("username").unwrap_or_default();
    let email = typed.get("email").unwrap_or_default();
    let form = SetupForm { link, csrf: &csrf, username, email, problems };
    let response = respond::page(status, &SetupPage { lang, form: Some(form) }, &Policy::CONSOLE);
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

fn refused(lang: Lang) -> Response {
    respond::page(StatusCode::NOT_FOUND, &SetupPage { lang, form: None }, &Policy::CONSOLE)
}

fn token(signet: &Signet, browser: &Browser, link: &str) -> String {
    let subject = format!("console setup {link}");
    csrf_token(signet.store().pool().csrf_key.expose(), browser.value(), &subject, None)
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Answer {
    here(edge)?;
    let form = form.params()?;
    let link = form.get("link").unwrap_or_default();
    let browser = Browser::shown(edge).ok_or(Problem::CookiesBlocked)?;
    if !(same_origin(edge) && csrf_fits(form.get("csrf"), &token(signet, &browser, link))) {
        return Err(Problem::WrongBrowser.into());
    }
    let Some(hash) = setup::hash(link) else { return Ok(refused(language(edge))) };
    match create(signet, edge, &form, hash).await? {
        Ok(Some(user)) => {
            let user = Arc::new(user);
            let active = user.active().ok_or(Failure::Internal("the first administrator is blocked"))?;
            let begun = session::begin(signet, edge, &active, None).await?;
            tracing::info!(request_id = edge.request_id, sub = %user.id, "the first administrator was set up");
            Ok(respond::set_cookies(respond::see_other("/console"), [begun.map(|begun| begun.cookie)]))
        }
        Ok(None) => Ok(refused(language(edge))),
        Err(problems) => page(signet, edge, link, (&form, problems)).await,
    }
}

fn told(unfit: Unfit, t: &ShellWords) -> (&'static str, String) {
    let (key, text) = match unfit {
        Unfit::Username => ("username", t.username_rule),
        Unfit::Email => ("email", t.email_rule),
        Unfit::Password => ("password", t.password_rule),
    };
    (key, text.to_owned())
}

type Problems = BTreeMap<&'static str, String>;

/// The first administrator; `None` when the link is not good any more.
async fn create(
    signet: &Arc<Signet>,
    edge: &Edge,
    form: &RawParams,
    link: SecretHash,
) -> Result<Result<Option<User>, Problems>, Failure> {
    let t = ShellWords::of(language(edge));
    let offered = Offered {
        username: form.get("username").unwrap_or_default(),
        email: form.get("email").unwrap_or_default(),
        password: form.get("password").unwrap_or_default(),
    };
    let mut problems: Problems = offered.unfit().into_iter().map(|unfit| told(unfit, t)).collect();
    if form.get("again") != form.get("password") {
        problems.insert("again", t.passwords_differ.to_owned());
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let asker = Asker::Network(Network::of(edge.peer));
    let password = signet.hasher().create(asker, offered.password.to_owned()).await?;
    let id = UserId::generate(signet.now(), &mut SystemEntropy);
    let user = offered.user(id, signet.store().pool().id, password, signet.now().timestamp());
    match signet.store().set_up(link, &user, made(signet.now(), edge, &user)).await {
        Ok(done) => Ok(Ok(done.then_some(user))),
        Err(StoreError::Conflict { .. }) => Ok(Err(Problems::from([("username", t.name_taken.to_owned())]))),
        Err(error) => Err(error.into()),
    }
}

/// What is written down of the first administrator: who came by a link made themselves the owner.
fn made(now: Now, edge: &Edge, user: &User) -> Act {
    let named = audit::user(user);
    let origin = edge.origin(Via::Console).by(named.clone());
    let entry =
        |action| Entry::of_admin(action, origin.clone()).on("user", named.clone()).with("by", "setup_link");
    let role = json!({ "old": null, "new": Role::Owner.as_str() });
    Act { now, entries: vec![entry(Action::Create), entry(Action::AssignRole).with("role", role)] }
}
