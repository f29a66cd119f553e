//! `/consent`: what the application asks for, in words, and Allow or Deny.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    authorize::{self, Draft},
    consent::Consent,
    scope::KnownScope,
    session::Session,
    user::ActiveUser,
};

use crate::{
    Signet,
    edge::{Edge, Form},
    error::Failure,
    login::{
        self, session,
        transaction::{Open, used},
    },
    pages::{ConsentPage, ScopeLine},
    respond::{self, Policy},
};

/// GET and POST `/consent`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    login::page(&edge, show(&signet, &edge), submit(&signet, &edge, form)).await
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    let query = edge.query()?;
    let open = Open::find(signet, edge, query.get("txn")).await?;
    Ok(match session::current(signet, edge, &open.application).await? {
        Some((session, user)) => page(signet, edge, &open, &session, &user),
        None => respond::see_other(&format!("/login?txn={}", open.transaction.id)),
    })
}

/// What has to be allowed; the request was checked before, and is again when it resumes.
fn asked(open: &Open) -> Consent {
    authorize::check(&Draft::parse(&open.params), &open.application)
        .map(|request| authorize::asked_consent(&request, &open.application))
        .unwrap_or_default()
}

fn page(signet: &Signet, edge: &Edge, open: &Open, session: &Session, user: &ActiveUser) -> Response {
    let asked = asked(open);
    let lines: Vec<ScopeLine> = asked.scope.iter().filter_map(line).collect();
    let page = ConsentPage {
        lang: edge.lang(open.params.get("ui_locales")),
        app_name: &open.application.name,
        app_logo: open.application.settings.logo_uri.as_deref(),
        display_name: user.display_name(),
        account: user.account_name(),
        scopes: &lines,
        claims: &asked.claims.iter().map(String::as_str).collect::<Vec<_>>(),
        offline: asked.scope.has(KnownScope::OfflineAccess),
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, Some(session.id)),
    };
    respond::page(StatusCode::OK, &page, &Policy::FORM)
}

fn line(scope: KnownScope) -> Option<ScopeLine> {
    match scope {
        KnownScope::Openid | KnownScope::OfflineAccess => None,
        KnownScope::Profile => Some(ScopeLine::Profile),
        KnownScope::Email => Some(ScopeLine::Email),
        KnownScope::Phone => Some(ScopeLine::Phone),
        KnownScope::Address => Some(ScopeLine::Address),
        KnownScope::Username => Some(ScopeLine::Username),
        KnownScope::Roles => Some(ScopeLine::Roles),
        KnownScope::ExternalId => Some(ScopeLine::ExternalId),
        KnownScope::ExtendedFields => Some(ScopeLine::ExtendedFields),
    }
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let open = Open::find(signet, edge, form.get("txn")).await?;
    let txn = open.transaction.id;
    let Some((session, user)) = session::current(signet, edge, &open.application).await? else {
        return Ok(respond::see_other(&format!("/login?txn={txn}")));
    };
    // The token names the session the page was shown to: if somebody else signed in meanwhile, they are asked themselves.
    if open.check_csrf(signet, &form, Some(session.id)).is_err() && fits_another_session(signet, &open, &form)
    {
        return Ok(respond::see_other(&format!("/oidc/auth/resume?txn={txn}")));
    }
    open.check_csrf(signet, &form, Some(session.id))?;
    let allowed = form.get("decision") == Some("allow");
    if !signet.store().answer_consent(txn, session.id, allowed).await? {
        return Err(used(&open.transaction, &open.application));
    }
    if allowed {
        let (store, asked) = (signet.store(), asked(&open));
        store.remember_consent(user.id, open.application.id, &asked, signet.now()).await?;
    }
    tracing::info!(request_id = edge.request_id, sub = %user.id, client_id = %open.application.id, allowed, "consent");
    Ok(respond::see_other(&format!("/oidc/auth/resume?txn={txn}")))
}

/// Whether the form was made for the session that was chosen in this transaction, which is no longer the browser's.
fn fits_another_session(signet: &Signet, open: &Open, form: &signet_protocol::params::RawParams) -> bool {
    let chosen = open.transaction.chosen.map(|chosen| chosen.session);
    chosen.is_some() && open.check_csrf(signet, form, chosen).is_ok()
}
