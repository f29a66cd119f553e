//! "Experience Login": an application's modes, tried with everything shown.
//!
//! What is tried is kept in a cookie of the operator's login until the browser comes back, so that any node can go on with
//! it, and nothing has to be swept up.

pub mod callback;
mod link;
mod report;
mod start;
pub mod words;

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    application::{Application, AuthMethod, ResponseType},
    issuer::Issuer,
    params::RawParams,
    redirect_uri::RedirectUri,
};

use self::words::TryWords;
pub use self::{
    link::link,
    report::revoke,
    start::{request, start},
};
use super::frame::{Frame, Tab, own_issuer};
use crate::{
    Signet,
    console::{
        Answer, Ask, Section,
        shell::Shell,
        words::{Pair, Words},
    },
    manage::try_it::{self, Attempt, Mode, PROMPTS, Place, Said, Tried},
    pages::Lang,
};

#[derive(Template)]
#[template(path = "console/applications/try_it/offer.html")]
struct OfferPage<'a> {
    shell: Shell,
    frame: Frame,
    alert: Option<&'a str>,
    callback: String,
    registered: bool,
    modes: Vec<(Mode, bool)>,
    has_password: bool,
    has_account: bool,
    obstacles: Vec<&'static str>,
    issuers: Vec<(Place, String, bool)>,
    prompts: Vec<(&'static str, bool)>,
    typed: Typed<'a>,
}

/// What was filled in; never a password or a SecretKey.
struct Typed<'a> {
    mode: Option<Mode>,
    place: Place,
    scope: &'a str,
    prompt: &'a str,
    username: &'a str,
    access_key: &'a str,
}

impl<'a> Typed<'a> {
    fn of(form: &'a RawParams) -> Typed<'a> {
        let text = |name| form.get(name).unwrap_or_default().trim();
        Typed {
            mode: form.get("mode").and_then(Mode::parse),
            place: form.get("place").and_then(Place::parse).unwrap_or(Place::Pool),
            scope: if form.has("mode") { text("scope") } else { "openid profile email" },
            prompt: PROMPTS.iter().find(|prompt| form.get("prompt") == Some(prompt)).unwrap_or(&""),
            username: text("username"),
            access_key: text("access_key"),
        }
    }
}

impl OfferPage<'_> {
    fn t(&self) -> &'static TryWords {
        TryWords::of(self.shell.lang)
    }

    fn say(&self, said: &Said) -> &'static str {
        say(said, self.shell.lang)
    }

    /// The address of the application's pages.
    fn home(&self) -> String {
        format!("/console/applications/{}", self.frame.application.id)
    }

    fn is_empty(&self) -> bool {
        self.modes.is_empty() && !self.has_password && !self.has_account
    }

    /// What was typed for the scope of `mode`.
    fn scope(&self, mode: Option<Mode>) -> &str {
        let account = |mode| mode == Some(Mode::Account);
        let default = if account(mode) { "" } else { "openid profile email" };
        if account(mode) == account(self.typed.mode) { self.typed.scope } else { default }
    }
}

/// GET `/console/applications/{app}/try`.
pub async fn show(ask: Ask) -> Answer {
    offer(&ask, None).await
}

/// What can be tried, with what was filled in.
async fn offer(ask: &Ask, alert: Option<&str>) -> Answer {
    let frame = Frame::of(ask, Tab::Try).await?;
    let application = &frame.application;
    let callback = try_it::callback(&ask.signet);
    let typed = Typed::of(&ask.form);
    let in_browser = Mode::all().filter(|mode| mode.response_type().is_some() && mode.fits(application));
    let modes: Vec<Mode> = in_browser.collect();
    let chosen = typed.mode.filter(|mode| modes.contains(mode)).or(modes.first().copied());
    let issuers = Place::ALL.map(|place| {
        let issuer = issuer_at(&ask.signet, application, place);
        (place, issuer.url().to_owned(), place == typed.place)
    });
    let page = OfferPage {
        shell: ask.shell(Section::Applications),
        alert,
        registered: is_registered(application, &callback),
        modes: modes.into_iter().map(|mode| (mode, Some(mode) == chosen)).collect(),
        has_password: Mode::Password.fits(application),
        has_account: Mode::Account.fits(application),
        obstacles: obstacles(ask.words(), application, &callback),
        issuers: issuers.into(),
        prompts: PROMPTS.iter().map(|prompt| (*prompt, *prompt == typed.prompt)).collect(),
        typed,
        callback,
        frame,
    };
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    ask.page(status, &page)
}

/// What stands in the way, to be known before it is met.
fn obstacles(t: &'static TryWords, application: &Application, callback: &str) -> Vec<&'static str> {
    let settings = &application.settings;
    let front = ResponseType::ALL.iter().any(|kind| kind.is_front() && application.may_answer(*kind));
    let own_key = settings.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt;
    let parsed = RedirectUri::parse(callback).ok();
    let unfit = front && !parsed.is_some_and(|callback| application.may_receive_tokens(&callback));
    [
        (!application.enabled, t.disabled),
        (own_key, t.own_key),
        (settings.require_signed_request_object, t.signed_requests),
        (unfit, t.not_https),
    ]
    .into_iter()
    .filter_map(|(there, text)| there.then_some(text))
    .collect()
}

/// Whether the callback link is in the application's list, as it is.
fn is_registered(application: &Application, callback: &str) -> bool {
    application.settings.redirect_uris.iter().any(|uri| uri.as_str() == callback)
}

fn issuer_at(signet: &Signet, application: &Application, place: Place) -> Issuer {
    match place {
        Place::Pool => signet.pool_issuer().clone(),
        Place::Own => own_issuer(signet, application),
    }
}

fn tried(ask: &Ask, application: &Arc<Application>, place: Place) -> Tried {
    let issuer = issuer_at(&ask.signet, application, place);
    Tried { application: Arc::clone(application), issuer, peer: ask.edge.peer }
}

/// The trial that waits for the browser of this operator.
fn waiting(ask: &Ask) -> Option<Attempt> {
    let cookie = ask.edge.cookies.get(crate::cookies::TRIAL)?;
    let key = ask.signet.store().pool().csrf_key.expose();
    Attempt::open(cookie, key, ask.operator.session(), ask.signet.now().timestamp())
}

fn say(said: &Said, lang: Lang) -> &'static str {
    Pair(said.en, said.zh).of(lang)
}
