//! `/login/account`: go on with the account that is signed in, or with another (`prompt=select_account`).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{session::Session, transaction::Chosen, user::ActiveUser};

use crate::{
    Signet,
    edge::{Edge, Form},
    error::Failure,
    login::{
        self, session, sso,
        transaction::{Open, used},
    },
    pages::{AccountPage, Brand},
    respond::{self, Policy},
};

/// GET and POST `/login/account`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    login::page(&edge, show(&signet, &edge), submit(&signet, &edge, form)).await
}

async fn show(signet: &Arc<Signet>, edge: &Edge) -> Result<Response, Failure> {
    let query = edge.query()?;
    let open = Open::find(signet, edge, query.get("txn")).await?;
    Ok(match session::current(signet, edge, &open.application).await? {
        Some((session, user)) if !sso::is_elsewhere(edge, &open.application) => {
            page(signet, edge, &open, &session, &user)
        }
        _ => respond::see_other(&format!("/login?txn={}", open.transaction.id)),
    })
}

fn page(signet: &Signet, edge: &Edge, open: &Open, session: &Session, user: &ActiveUser) -> Response {
    let lang = edge.lang(open.params.get("ui_locales"));
    let brand = Brand::of(&open.application, lang);
    let page = AccountPage {
        lang,
        app_name: &open.application.name,
        brand,
        display_name: user.display_name(),
        account: user.account_name(),
        transaction: &open.transaction.id.to_string(),
        csrf: &open.csrf(signet, Some(session.id)),
    };
    respond::page(StatusCode::OK, &page, &Policy::FORM.showing(&brand))
}

async fn submit(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    let form = form.params()?;
    let open = Open::find(signet, edge, form.get("txn")).await?;
    let txn = open.transaction.id;
    let Some((session, _)) = session::current(signet, edge, &open.application).await? else {
        return Ok(respond::see_other(&format!("/login?txn={txn}")));
    };
    open.check_csrf(signet, &form, Some(session.id))?;
    if form.get("choice") != Some("continue") {
        return Ok(respond::see_other(&format!("/login?txn={txn}")));
    }
    let chosen = Chosen { session: session.id, by_login: false };
    if !signet.store().choose_session(txn, chosen).await? {
        return Err(used(&open.transaction, &open.application));
    }
    Ok(respond::see_other(&open.onward()))
}
