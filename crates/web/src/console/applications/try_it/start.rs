//! A trial begins.

use askama::Template;
use http::StatusCode;
use signet_protocol::{application::Application, id::AccountId, params::encode_pairs};

use super::{TryWords, Typed, is_registered, issuer_at, offer, report, tried, waiting};
use crate::{
    clock::SystemEntropy,
    console::{
        Answer, Ask, Section,
        applications::frame::{Frame, Tab},
        missing,
        shell::Shell,
        words::Words,
    },
    cookies,
    error::Failure,
    manage::try_it::{Attempt, Mode, SCOPE_MAX, by_account, by_password, callback},
    respond,
};

/// The request that a browser is about to make.
#[derive(Template)]
#[template(path = "console/applications/try_it/request.html")]
struct RequestPage {
    shell: Shell,
    frame: Frame,
    endpoint: String,
    params: Vec<(&'static str, String)>,
    /// The whole of it.
    url: String,
}

impl RequestPage {
    fn t(&self) -> &'static TryWords {
        TryWords::of(self.shell.lang)
    }
}

/// POST `/console/applications/{app}/try`: with a browser the request is shown first, everything else is done at once.
pub async fn start(ask: Ask) -> Answer {
    let t: &'static TryWords = ask.words();
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let typed = Typed::of(&ask.form);
    let Some(mode) = typed.mode.filter(|mode| mode.fits(&application)) else {
        return offer(&ask, Some(t.unticked)).await;
    };
    if let Some(alert) = unfit(&ask, &application, mode, &typed).await? {
        return offer(&ask, Some(alert)).await;
    }
    let tried = tried(&ask, &application, typed.place);
    let (by, id) = (ask.operator.user().id, application.id);
    tracing::info!(request_id = ask.edge.request_id, app_id = %id, %by, mode = mode.name(), "a login is tried");
    let secret = |name| ask.form.get(name).unwrap_or_default();
    let report = match mode {
        Mode::Password => {
            by_password(&ask.signet, &tried, (typed.username, secret("password")), typed.scope).await
        }
        Mode::Account => {
            by_account(&ask.signet, &tried, (typed.access_key, secret("secret_key")), typed.scope).await
        }
        Mode::Code | Mode::Answer(_) | Mode::Refresh => return depart(&ask, id, mode, &typed),
    };
    report::page(&ask, report, (typed.place, None)).await
}

/// Why a trial cannot begin.
async fn unfit(
    ask: &Ask,
    application: &Application,
    mode: Mode,
    typed: &Typed<'_>,
) -> Result<Option<&'static str>, Failure> {
    let t: &'static TryWords = ask.words();
    if !application.enabled {
        return Ok(Some(t.disabled));
    }
    if typed.scope.len() > SCOPE_MAX {
        return Ok(Some(t.too_long));
    }
    Ok(match mode {
        Mode::Password => (typed.username.is_empty() || !ask.form.has("password")).then_some(t.incomplete),
        Mode::Account if typed.access_key.is_empty() || !ask.form.has("secret_key") => Some(t.incomplete),
        Mode::Account => {
            let account = match AccountId::parse(typed.access_key) {
                Some(id) => ask.signet.store().account(id).await?,
                None => None,
            };
            let own = account.is_some_and(|account| account.application == application.id);
            (!own).then_some(t.other_account)
        }
        Mode::Code | Mode::Answer(_) | Mode::Refresh => {
            (!is_registered(application, &callback(&ask.signet))).then_some(t.link_first)
        }
    })
}

/// Keeps what is tried in a cookie, and goes on to the page that shows the request.
fn depart(ask: &Ask, id: signet_protocol::id::AppId, mode: Mode, typed: &Typed<'_>) -> Answer {
    let now = ask.signet.now().timestamp();
    let what = (typed.scope, typed.prompt);
    let attempt = Attempt::new(id, (mode, typed.place), what, now, &mut SystemEntropy);
    let sealed = attempt.seal(ask.signet.store().pool().csrf_key.expose(), ask.operator.session());
    let cookie = ask.edge.cookies.set_strict(cookies::TRIAL, &sealed, Some(3600));
    let response = respond::see_other(&format!("/console/applications/{id}/try/request"));
    Ok(respond::set_cookies(response, [cookie]))
}

/// GET `/console/applications/{app}/try/request`. Its link leads to the issuer, which a form of the console may not.
pub async fn request(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Try).await?;
    let id = frame.application.id;
    let Some(attempt) = waiting(&ask).filter(|attempt| attempt.application == id) else {
        return Ok(respond::see_other(&format!("/console/applications/{id}/try")));
    };
    let endpoint = issuer_at(&ask.signet, &frame.application, attempt.place).endpoint("/auth");
    let params = attempt.request(&callback(&ask.signet));
    let query = encode_pairs(params.iter().map(|(name, value)| (*name, value.as_str())));
    let url = format!("{endpoint}?{query}");
    let page = RequestPage { shell: ask.shell(Section::Applications), frame, endpoint, params, url };
    ask.page(StatusCode::OK, &page)
}
