//! `/console/try/callback`, where the browser brings the answer of a trial.
//!
//! It is no row of the console's table, as it comes from the issuer, without a token of ours: what lets it in is the `state`
//! that only the operator's own cookie knows. From an issuer on another site the browser does not send that cookie along;
//! then a page of this host posts the answer once more.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use signet_protocol::{entropy::random, jose, operator::Permission, params::RawParams};

use super::{TryWords, report, tried, waiting};
use crate::{
    Signet,
    clock::SystemEntropy,
    console::{
        Answer, Ask, Operator, Section,
        gate::{here, sign_in_for},
        missing,
        shell::{Shell, language},
        words::Words,
    },
    cookies,
    edge::{Edge, Form},
    error::only,
    manage::try_it::after_browser,
    pages::{FormPostPage, Problem},
    respond::{self, Policy},
};

/// Its path.
const PATH: &str = "/console/try/callback";
/// Marks what this host's own page posted.
const AGAIN: &str = "again";
/// The parameters of an answer; nothing else is read.
const ANSWER: &[&str] = &[
    "code",
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "rejected_scope",
    "id_token",
    "state",
    "iss",
    "session_state",
    "error",
    "error_description",
    "error_uri",
];

#[derive(Template)]
#[template(path = "console/applications/try_it/stray.html")]
struct StrayPage {
    shell: Shell,
}

impl StrayPage {
    fn t(&self) -> &'static TryWords {
        TryWords::of(self.shell.lang)
    }
}

/// POST `/console/try/callback`. A GET leads back to the console.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let lang = language(&edge);
    let result = arrive(signet, &edge, form).await;
    edge.page(lang, result)
}

async fn arrive(signet: Arc<Signet>, edge: &Edge, form: Form) -> Answer {
    here(edge)?;
    only(&edge.method, "GET, POST, HEAD")?;
    if edge.method != Method::POST {
        return Ok(respond::see_other("/console/applications"));
    }
    let form = form.params()?;
    let answer = form.only(ANSWER);
    let Some(operator) = Operator::of(&signet, edge).await? else {
        let again = form.has(AGAIN);
        return Ok(if again {
            respond::see_other(&sign_in_for("/console"))
        } else {
            post_again(edge, &answer)
        });
    };
    let ask = Ask {
        signet,
        edge: edge.clone(),
        operator,
        path: BTreeMap::new(),
        query: RawParams::default(),
        form: RawParams::default(),
        lang: language(edge),
        target: "/console/applications".to_owned(),
    };
    received(ask, &answer).await
}

/// The same answer, posted by a page of this host: with the cookies that a post from another site does not have.
fn post_again(edge: &Edge, answer: &RawParams) -> Response {
    let fields: Vec<(&str, &str)> = answer.pairs().chain([(AGAIN, "1")]).collect();
    let nonce = jose::b64(&random::<16>(&mut SystemEntropy));
    let policy = Policy { script_nonce: Some(nonce), ..Policy::FORM };
    let page = FormPostPage { lang: language(edge), action: PATH, fields: &fields, nonce: policy.nonce() };
    respond::page(StatusCode::OK, &page, &policy)
}

async fn received(mut ask: Ask, answer: &RawParams) -> Answer {
    let fits = |state| !answer.duplicate() && state;
    let attempt = waiting(&ask).filter(|attempt| fits(attempt.is_answered_by(answer.get("state"))));
    let Some(attempt) = attempt else {
        return ask.page(StatusCode::BAD_REQUEST, &StrayPage { shell: ask.shell(Section::Applications) });
    };
    let id = attempt.application;
    if !ask.operator.may(Permission::ApplicationsWrite, Some(id)) {
        return Err(Problem::Forbidden.into());
    }
    ask.path.insert("app".to_owned(), id.to_string());
    ask.target = format!("/console/applications/{id}/try");
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let tried = tried(&ask, &application, attempt.place);
    let told = after_browser(&ask.signet, &tried, &attempt, answer).await;
    let page = report::page(&ask, told, (attempt.place, Some(&tried.issuer))).await?;
    // It counts once.
    Ok(respond::set_cookies(page, [ask.edge.cookies.remove(cookies::TRIAL)]))
}
