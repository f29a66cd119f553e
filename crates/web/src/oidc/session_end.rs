//! `/oidc/session/end` (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use signet_protocol::{
    application::ActiveApplication,
    claims::Hint,
    end_session::{EndSessionRequest, LogoutTarget, UNKNOWN_CLIENT, means_another, must_confirm},
    entropy::random,
    error::{ErrorCode, Refusal, refuse},
    id::AppId,
    jose::{self, is_encrypted},
    params::{RawParams, encode_pairs},
    redirect_uri::Scheme,
    session::Session,
    transaction::{csrf_fits, csrf_token},
};

use signet_store::{SignOut, audit::Via};

use crate::{
    Signet, audit,
    clock::SystemEntropy,
    cookies, core,
    edge::{Edge, Form},
    error::{Failure, PageProblem, only},
    login::{browser::Browser, session},
    logout::{
        frontchannel::{Frames, frames},
        session_state,
        sign_out::Which,
    },
    oidc::{application_here, live},
    pages::{Brand, Lang, LogoutPage, Problem, SignedOutPage, SigningOutPage},
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

/// GET `/login/profile/logout`: the same, by the names of older systems, for the application of the address if none is named.
pub async fn alias(State(_): State<Arc<Signet>>, edge: Edge) -> Response {
    let asked = only(&edge.method, "GET, HEAD").and_then(|()| edge.query());
    let result = asked.map(|query| {
        let own = edge.own.as_ref().map(|application| application.id.to_string());
        let renamed = query.pairs().map(|(name, value)| match name {
            "app_id" => ("client_id", value),
            "redirect_uri" => ("post_logout_redirect_uri", value),
            other => (other, value),
        });
        let named = own.as_deref().filter(|_| !query.has("app_id")).map(|id| ("client_id", id));
        respond::see_other(&format!("/oidc/session/end?{}", encode_pairs(renamed.chain(named))))
    });
    edge.page(edge.lang(None), result)
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
                let reach = Reach::chosen(params, logout.application.as_ref());
                sign_out(signet, edge, &logout, (&sessions, reach)).await
            } else {
                Ok(stay(edge, &logout))
            }
        }
        None if is_to_confirm(signet, &logout, &sessions).await? => {
            ask(signet, edge, params, &logout, sessions.first()).await
        }
        None => sign_out(signet, edge, &logout, (&sessions, Reach::SESSION)).await,
    }
}

async fn is_to_confirm(signet: &Signet, logout: &Logout, sessions: &[Session]) -> Result<bool, Failure> {
    for session in sessions {
        if must_confirm(Some(session), logout.hint.as_ref()) {
            return Ok(true);
        }
        if let Some(hint) = &logout.request.logout_hint {
            let user = signet.store().user(session.user).await?;
            if user.is_none_or(|user| means_another(hint, &user)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How far a logout reaches, as the person chose.
#[derive(Clone, Copy)]
struct Reach {
    devices: Which,
    /// The one application, or all of them.
    only: Option<AppId>,
}

impl Reach {
    /// What a logout is that nobody was asked about: this device, every application.
    const SESSION: Reach = Reach { devices: Which::This, only: None };

    fn chosen(params: &RawParams, application: Option<&ActiveApplication>) -> Reach {
        let devices = if params.get("devices") == Some("all") { Which::All } else { Which::This };
        let only = application.filter(|_| params.get("applications") == Some("this"));
        Reach { devices, only: only.map(|application| application.id) }
    }

    fn of(self, session: &Session) -> SignOut {
        match (self.devices, self.only) {
            (Which::This, None) => SignOut::Session(session.id),
            (Which::This, Some(application)) => SignOut::Application(session.id, application),
            (Which::All, None) => SignOut::User(session.user),
            (Which::All, Some(application)) => SignOut::UserApplication(session.user, application),
        }
    }

    /// Whether `session` is over: it goes on if one application leaves it to others.
    fn ends(self, session: &Session) -> bool {
        self.only.is_none() || session.application == self.only
    }
}

async fn understand(signet: &Arc<Signet>, edge: &Edge, params: &RawParams) -> Result<Logout, Failure> {
    let request = EndSessionRequest::parse(params).map_err(bad)?;
    let hint = match request.id_token_hint.as_deref() {
        None => None,
        // Only the client can read it. It is no proof then, so the person is asked.
        Some(text) if is_encrypted(text) && request.client_id.is_some() => None,
        Some(text) if is_encrypted(text) => return Err(bad(ENCRYPTED_HINT)),
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

const ENCRYPTED_HINT: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "id_token_hint is encrypted, so only the client can read it; send the signed token inside, or client_id",
)
.by("id_token_hint", "OpenID Connect RP-Initiated Logout §2");

const NOT_OUR_HINT: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "id_token_hint is not an ID token of this issuer; send the one the application received, expired or not",
)
.by("id_token_hint", "OpenID Connect RP-Initiated Logout §2");

fn bad(refusal: Refusal) -> Failure {
    let (problem, refusal) = (Problem::BadLogout, Some(refusal));
    Failure::Problem(PageProblem { problem, refusal, home: None, application: None })
}

/// Ends the sessions or what of them is to end, forgets their cookies, and goes where the client wants, by way of frames if
/// applications are told by these.
async fn sign_out(
    signet: &Arc<Signet>,
    edge: &Edge,
    logout: &Logout,
    (sessions, reach): (&[Session], Reach),
) -> Result<Response, Failure> {
    let frames = frames(signet, sessions, reach.only).await?;
    for session in sessions {
        let (what, at) = (reach.of(session), audit::served(session, logout.application_id(reach)));
        let entry = audit::sign_out(signet, edge.origin(Via::Page), what, (session.user, at)).await?;
        core::session::sign_out(&**signet, what, Some(entry)).await?;
        tracing::info!(request_id = edge.request_id, sub = %session.user, "signed out");
    }
    let ended = sessions.iter().filter(|session| reach.ends(session));
    let cookies = ended.flat_map(|session| {
        let name = cookies::session_name_for(session.application);
        [edge.cookies.remove(&name), session_state::forget(edge, session)]
    });
    Ok(respond::set_cookies(signed_out(edge, logout, frames), cookies))
}

fn signed_out(edge: &Edge, logout: &Logout, frames: Frames) -> Response {
    let lang = logout.lang(edge);
    let location = logout.target.as_ref().map(LogoutTarget::location);
    let response = match &location {
        Some(next) if frames.urls.is_empty() => return respond::see_other(next),
        Some(next) => {
            let nonce = jose::b64(&random::<16>(&mut SystemEntropy));
            let page = SigningOutPage { lang, next, frames: &frames.urls, nonce: &nonce };
            let policy = Policy { script_nonce: Some(nonce.clone()), ..Policy::default() };
            respond::page(StatusCode::OK, &page, &policy)
        }
        None => {
            let app_name = logout.application.as_ref().map(|application| application.name.as_str());
            let brand = logout.brand(edge, lang);
            let page = SignedOutPage { lang, brand, app_name, home: None, frames: &frames.urls };
            respond::page(StatusCode::OK, &page, &Policy::default().showing(&brand))
        }
    };
    if frames.urls.is_empty() { response } else { respond::framing(response, frames.origins.into_iter()) }
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
    let carried: Vec<(&str, &str)> = params
        .pairs()
        .filter(|(name, _)| !["csrf", "decision", "devices", "applications"].contains(name))
        .collect();
    let lang = logout.lang(edge);
    let brand = logout.brand(edge, lang);
    let page = LogoutPage {
        lang,
        brand,
        app_name: logout.application.as_ref().map(|application| application.name.as_str()),
        account: user.as_ref().map(|user| user.account_name()),
        csrf: &csrf,
        fields: &carried,
    };
    let response = respond::page(StatusCode::OK, &page, &Policy::FORM.showing(&brand));
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
    /// The application that somebody signs out of, or by way of.
    fn application_id(&self, reach: Reach) -> Option<AppId> {
        reach.only.or(self.application.as_ref().map(|application| application.id))
    }

    fn lang(&self, edge: &Edge) -> Lang {
        edge.lang(self.request.ui_locales.as_deref())
    }

    /// How the application shows itself that is known, or whose address this is.
    fn brand<'a>(&'a self, edge: &'a Edge, lang: Lang) -> Brand<'a> {
        self.application.as_ref().map_or_else(|| edge.brand(lang), |application| Brand::of(application, lang))
    }
}
