//! `/oidc/session/end` (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use signet_protocol::{
    application::ActiveApplication,
    claims::Hint,
    end_session::{EndSessionRequest, LogoutTarget, UNKNOWN_CLIENT, must_confirm},
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
    redirect_uri::Scheme,
    session::Session,
    transaction::{csrf_fits, csrf_token},
};

use crate::{
    Signet, cookies, core,
    edge::{Edge, Form},
    error::{Failure, PageProblem, only},
    login::{browser::Browser, session},
    oidc::{application_here, live},
    pages::{LogoutPage, Problem, SignedOutPage},
    respond::{self, Policy},
};

/// What the confirmation form is bound to, besides the browser and the session.
const FORM: &str = "session/end";

/// GET and POST `/oidc/session/end`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let params = match only(&edge.method, "GET, POST") {
        Ok(()) if edge.method == Method::POST => form.params(),
        Ok(()) => edge.query(),
        Err(failure) => Err(failure),
    };
    let locales = params.as_ref().ok().and_then(|params| params.get("ui_locales").map(str::to_owned));
    let result = match params {
        Ok(params) if edge.method == Method::POST && !params.has("decision") => again_by_get(&params),
        Ok(params) => end(&signet, &edge, &params).await,
        Err(failure) => Err(failure),
    };
    edge.page(edge.lang(locales.as_deref()), result)
}

/// A POST may come from another site, without our cookies: a GET is made of it, which has them.
fn again_by_get(params: &RawParams) -> Result<Response, Failure> {
    let query = params.encode();
    // Escaping can make it longer than what would be read again.
    RawParams::parse(query.as_bytes())?;
    Ok(respond::see_other(&format!("/oidc/session/end?{query}")))
}

/// A logout request whose client and target are known.
struct Logout {
    request: EndSessionRequest,
    hint: Option<Hint>,
    application: Option<ActiveApplication>,
    target: Option<LogoutTarget>,
}

async fn end(signet: &Arc<Signet>, edge: &Edge, params: &RawParams) -> Result<Response, Failure> {
    let logout = understand(signet, edge, params).await?;
    let sessions = session::all(signet, edge, logout.application.as_ref()).await?;
    let decision = params.get("decision").filter(|_| edge.method == Method::POST);
    match decision {
        Some(decision) => {
            check_form(signet, edge, params, sessions.first())?;
            if decision == "sign-out" {
                sign_out(signet, edge, &logout, &sessions).await
            } else {
                Ok(stay(edge, &logout))
            }
        }
        None if sessions.iter().any(|session| must_confirm(Some(session), logout.hint.as_ref())) => {
            ask(signet, edge, params, &logout, sessions.first()).await
        }
        None => sign_out(signet, edge, &logout, &sessions).await,
    }
}

async fn understand(signet: &Arc<Signet>, edge: &Edge, params: &RawParams) -> Result<Logout, Failure> {
    let request = EndSessionRequest::parse(params).map_err(bad)?;
    let hint = match request.id_token_hint.as_deref() {
        None => None,
        Some(text) => {
            Some(live::id_token_hint(signet, &edge.issuer, text).await?.ok_or_else(|| bad(NOT_OUR_HINT))?)
        }
    };
    let application = match request.client(hint.as_ref()).map_err(bad)? {
        None => None,
        Some(id) => {
            Some(application_here(signet, &edge.issuer, id).await?.ok_or_else(|| bad(UNKNOWN_CLIENT))?)
        }
    };
    let target = request.target(application.as_deref()).map_err(bad)?;
    Ok(Logout { request, hint, application, target })
}

const NOT_OUR_HINT: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "id_token_hint is not an ID token of this issuer; send the one the application received, expired or not",
);

fn bad(refusal: Refusal) -> Failure {
    Failure::Problem(PageProblem { problem: Problem::BadLogout, refusal: Some(refusal), home: None })
}

/// Ends the sessions, forgets their cookies and goes where the client wants.
async fn sign_out(
    signet: &Arc<Signet>,
    edge: &Edge,
    logout: &Logout,
    sessions: &[Session],
) -> Result<Response, Failure> {
    for session in sessions {
        core::session::end(&**signet, session).await?;
        tracing::info!(request_id = edge.request_id, sub = %session.user, "signed out");
    }
    let response = match &logout.target {
        Some(target) => respond::see_other(&target.location()),
        None => {
            let name = logout.application.as_ref().map(|application| application.name.as_str());
            let page = SignedOutPage { lang: logout.lang(edge), app_name: name, home: None };
            respond::page(StatusCode::OK, &page, &Policy::default())
        }
    };
    let names = sessions.iter().map(|session| cookies::session_name_for(session.application));
    Ok(respond::set_cookies(response, names.map(|name| edge.cookies.remove(&name))))
}

/// The person stays signed in: back to the application's own front door, since going to its logout callback would tell it
/// that the session has ended.
fn stay(edge: &Edge, logout: &Logout) -> Response {
    let target = logout.target.as_ref().map(|target| target.uri().uri());
    let home = target.filter(|uri| uri.scheme() != Scheme::Private).map(|uri| uri.origin());
    respond::see_other(&format!("{}/", home.unwrap_or(edge.host_origin())))
}

async fn ask(
    signet: &Arc<Signet>,
    edge: &Edge,
    params: &RawParams,
    logout: &Logout,
    session: Option<&Session>,
) -> Result<Response, Failure> {
    let browser = Browser::of(edge);
    let csrf =
        csrf_token(signet.store().pool().csrf_key.expose(), browser.value(), FORM, session.map(|s| s.id));
    let user = match session {
        Some(session) => signet.store().user(session.user).await?,
        None => None,
    };
    let carried: Vec<(&str, &str)> =
        params.pairs().filter(|(name, _)| !["csrf", "decision"].contains(name)).collect();
    let page = LogoutPage {
        lang: logout.lang(edge),
        app_name: logout.application.as_ref().map(|application| application.name.as_str()),
        account: user.as_ref().map(|user| user.account_name()),
        csrf: &csrf,
        fields: &carried,
    };
    let response = respond::page(StatusCode::OK, &page, &Policy::FORM);
    Ok(respond::set_cookies(response, [browser.cookie(edge)]))
}

fn check_form(
    signet: &Signet,
    edge: &Edge,
    params: &RawParams,
    session: Option<&Session>,
) -> Result<(), Failure> {
    let browser = Browser::shown(edge).ok_or(Problem::CookiesBlocked)?;
    let key = signet.store().pool().csrf_key.expose();
    let expected = csrf_token(key, browser.value(), FORM, session.map(|session| session.id));
    if csrf_fits(params.get("csrf"), &expected) { Ok(()) } else { Err(Problem::WrongBrowser.into()) }
}

impl Logout {
    fn lang(&self, edge: &Edge) -> crate::pages::Lang {
        edge.lang(self.request.ui_locales.as_deref())
    }
}
