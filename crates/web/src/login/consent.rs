//! `/consent`: what the application asks for, in words, and Allow or Deny.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    authorize::{self, Draft},
    consent::Consent,
    pool::PoolSettings,
    resource::{Asked, RESOURCE, ScopeItem},
    scope::{KnownScope, ScopeValue},
    session::Session,
    user::ActiveUser,
};
use signet_store::audit::{Act, Action, Entry, Via};

use crate::{
    Signet, audit,
    edge::{Edge, Form},
    error::Failure,
    login::{
        self, session,
        transaction::{Open, used},
    },
    oidc::user_scope,
    pages::{Brand, ConsentPage, Lang, ScopeLine},
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
        Some((session, user)) => {
            let asked = asked(signet, edge, &open, (&session, &user)).await?;
            page(signet, edge, &open, &asked, (&session, &user)).await?
        }
        None => respond::see_other(&format!("/login?txn={}", open.transaction.id)),
    })
}

/// What has to be allowed; the request was checked before, and is again when it resumes.
async fn asked(
    signet: &Signet,
    edge: &Edge,
    open: &Open,
    (session, user): (&Session, &ActiveUser),
) -> Result<Consent, Failure> {
    let Ok(request) = authorize::check(&Draft::parse(&open.params), &open.application) else {
        return Ok(Consent::default());
    };
    let (pool, application) = (signet.store().pool_settings().await?, &open.application);
    let request = request.within(&pool);
    let scope = user_scope::of_request(signet, edge, &request, application, (session, user)).await?;
    Ok(authorize::asked_consent(&request.of_user(&scope), application, &pool))
}

async fn page(
    signet: &Signet,
    edge: &Edge,
    open: &Open,
    asked: &Consent,
    (session, user): (&Session, &ActiveUser),
) -> Result<Response, Failure> {
    let pool = &*signet.store().pool_settings().await?;
    let lang = edge.lang(open.params.get("ui_locales"));
    let is_item = |value| matches!(Asked::sort(value, pool), Asked::Item(_));
    let permissions = match asked.scope.iter().any(is_item) {
        true => signet.store().permissions(open.application.id).await?,
        false => Arc::default(),
    };
    let api = open.params.get(RESOURCE);
    let line = |value| match Asked::sort(value, pool) {
        Asked::Item(item) => {
            let ScopeItem { resource, id, action } = permissions.in_words(item, api);
            let (resource, id, action) = (resource.one(), id.one(), action.one());
            Some(ScopeLine::Item { value: value.as_str(), resource, id, action })
        }
        _ => line(value, pool, lang),
    };
    let lines: Vec<ScopeLine> = asked.scope.iter().filter_map(line).collect();
    let brand = Brand::of(&open.application, lang);
    let page = ConsentPage {
        lang,
        app_name: &open.application.name,
        brand,
        display_name: user.display_name(),
        account: user.account_name(),
        scopes: &lines,
        claims: &asked.claims.iter().map(String::as_str).collect::<Vec<_>>(),
        offline: asked.scope.has(KnownScope::OfflineAccess),
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, Some(session.id)),
    };
    Ok(respond::page(StatusCode::OK, &page, &Policy::FORM.showing(&brand)))
}

fn line<'p>(value: &'p ScopeValue, pool: &'p PoolSettings, lang: Lang) -> Option<ScopeLine<'p>> {
    match value {
        ScopeValue::Known(known) => known_line(*known),
        ScopeValue::Custom(name) => {
            let scope = pool.scopes.get(&**name)?;
            let description = match lang {
                Lang::En => scope.description.as_deref(),
                Lang::Zh => scope.description_zh.as_deref().or(scope.description.as_deref()),
            };
            Some(ScopeLine::Custom { name, description, claims: &scope.claims })
        }
    }
}

fn known_line(scope: KnownScope) -> Option<ScopeLine<'static>> {
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
        return Ok(respond::see_other(&open.onward()));
    }
    open.check_csrf(signet, &form, Some(session.id))?;
    let allowed = form.get("decision") == Some("allow");
    let asked = asked(signet, edge, &open, (&session, &user)).await?;
    let act = Act::new(signet.now(), record(edge, &open, &user, (&asked, allowed)));
    if !signet.store().answer_consent(txn, session.id, allowed, act).await? {
        return Err(used(&open.transaction, &open.application));
    }
    if allowed {
        let store = signet.store();
        store.remember_consent(user.id, open.application.id, &asked, signet.now()).await?;
    }
    tracing::info!(request_id = edge.request_id, sub = %user.id, client_id = %open.application.id, allowed, "consent");
    Ok(respond::see_other(&open.onward()))
}

/// What is written down of the answer: what was asked, and whether it was allowed.
fn record(edge: &Edge, open: &Open, user: &ActiveUser, (asked, allowed): (&Consent, bool)) -> Entry {
    let origin = edge.origin(Via::Page).by(audit::user(user));
    let entry = Entry::of_user(Action::Consent, origin).at(audit::application(&open.application));
    let claims: Vec<String> = asked.claims.iter().cloned().collect();
    let entry = entry.with("scope", asked.scope.to_string()).with("claims", claims);
    if allowed { entry } else { entry.failed() }
}

/// Whether the form was made for the session that was chosen in this transaction, which is no longer the browser's.
fn fits_another_session(signet: &Signet, open: &Open, form: &signet_protocol::params::RawParams) -> bool {
    let chosen = open.transaction.chosen.map(|chosen| chosen.session);
    chosen.is_some() && open.check_csrf(signet, form, chosen).is_ok()
}
