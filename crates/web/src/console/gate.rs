//! What every request to the console passes.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::Request, response::Response};
use http::{Method, StatusCode};
use signet_protocol::{id::AppId, params::RawParams, params::encode_pairs};

use super::{
    Ask, Operator, Route,
    kept::Kept,
    session,
    shell::language,
    sign_in::{self, ConfirmPage, Tried},
};
use crate::{
    Signet,
    edge::{Edge, Form},
    error::{Failure, Missing, only},
    pages::Problem,
    respond::{self, Policy},
    upload::{self, Upload},
};

/// The name of the field that has the password when it is asked for again.
pub const CONFIRM: &str = "confirm_password";

/// The name of the field into which a file can be pasted.
pub const PASTED: &str = "text";

/// Where a request is.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The table.
    pub rows: &'static [Route],
    /// The path as the table has it.
    pub pattern: &'static str,
    /// Path and query as they were asked.
    pub target: &'a str,
}

/// Answers a request by the row of the table that its path and method have.
pub async fn pass(
    signet: Arc<Signet>,
    edge: Edge,
    path: BTreeMap<String, String>,
    sent: Sent,
    at: At<'_>,
) -> Response {
    let lang = language(&edge);
    let result = through(&signet, &edge, path, sent, at).await;
    match result {
        Ok(Passed::Answer(response)) => response,
        Ok(Passed::In { route, ask, cookie }) => {
            let id = ask.edge.request_id.clone();
            let answer = (route.handler)(*ask).await;
            tracing::debug!(request_id = id, path = route.path, "console");
            respond::set_cookies(edge.page(lang, answer), [cookie])
        }
        Err(failure) => edge.page(lang, Err(failure)),
    }
}

/// What a request sends along.
pub enum Sent {
    /// A form.
    Form(Form),
    /// A form of at most so many bytes that may have a file, which is read of nobody who may not send one.
    File(Request, usize),
}

impl Sent {
    async fn read(self) -> Result<(RawParams, Option<Upload>), Failure> {
        match self {
            Sent::Form(form) => Ok((form.params()?, None)),
            Sent::File(request, most) => upload::read(request, PASTED, most).await,
        }
    }
}

enum Passed {
    /// It is answered here.
    Answer(Response),
    /// It goes on to its page, whose answer takes a new cookie along if there is one.
    In { route: &'static Route, ask: Box<Ask>, cookie: Option<http::HeaderValue> },
}

async fn through(
    signet: &Arc<Signet>,
    edge: &Edge,
    path: BTreeMap<String, String>,
    sent: Sent,
    At { rows, pattern, target }: At<'_>,
) -> Result<Passed, Failure> {
    here(edge)?;
    let posts = edge.method == Method::POST;
    let read = edge.method == Method::GET || edge.method == Method::HEAD;
    let found = rows.iter().find(|row| (posts || read) && row.path == pattern && row.posts == posts);
    let Some(route) = found else { return Err(not_this_way(&edge.method, rows, pattern)) };
    let Some(operator) = Operator::of(signet, edge).await? else {
        return Ok(Passed::Answer(match sent {
            Sent::Form(form) if posts => out(signet, edge, target, form).await?,
            Sent::File(..) if posts && session::shown(edge) => sign_in::lost(signet, edge).await?,
            _ => sign_in::first(target, posts),
        }));
    };
    let application = path.get("app").map(|text| AppId::parse(text).ok_or(Failure::Missing(Missing::Path)));
    if !operator.may(route.permission, application.transpose()?) {
        return Err(Problem::Forbidden.into());
    }
    if posts && !same_origin(edge) {
        return Err(Problem::WrongBrowser.into());
    }
    let (form, file) = if posts { sent.read().await? } else { (RawParams::default(), None) };
    if posts && !operator.gave(signet, form.get("csrf")) {
        return Err(Problem::WrongBrowser.into());
    }
    let (operator, cookie) =
        match freshen(signet, edge, (route, target), operator, (&form, file.as_ref())).await? {
            Fresh::Yes(operator, cookie) => (operator, cookie),
            Fresh::Asked(response) => return Ok(Passed::Answer(response)),
        };
    let query = edge.query()?;
    let lang = language(edge);
    let (signet, edge, target) = (Arc::clone(signet), edge.clone(), target.to_owned());
    let ask = Ask { signet, edge, operator, path, query, form, file, lang, target };
    Ok(Passed::In { route, ask: Box::new(ask), cookie })
}

/// The answer to a form of somebody whose login has ended. What they typed waits for them, if the form is one that we gave to that login: a
/// form of somebody else's would be sent on in their name (attack 19).
async fn out(signet: &Arc<Signet>, edge: &Edge, target: &str, form: Form) -> Result<Response, Failure> {
    match form.params() {
        Ok(form) if same_origin(edge) && session::gave_once(signet, edge, form.get("csrf")) => {
            sign_in::again(signet, edge, target, &Kept::of(&form)).await
        }
        _ => Ok(sign_in::first(target, true)),
    }
}

/// The console is at the pool's own address.
pub fn here(edge: &Edge) -> Result<(), Failure> {
    if edge.own.is_some() { Err(Failure::Missing(Missing::Path)) } else { Ok(()) }
}

fn not_this_way(method: &Method, rows: &[Route], pattern: &str) -> Failure {
    let has = |posts| rows.iter().any(|row| row.path == pattern && row.posts == posts);
    let allowed = match (has(false), has(true)) {
        (true, false) => "GET",
        (false, true) => "POST",
        _ => "GET, POST",
    };
    only(method, allowed).err().unwrap_or(Failure::Missing(Missing::Path))
}

/// Browsers say where a form was sent from. One that does not say has the token to show.
pub fn same_origin(edge: &Edge) -> bool {
    edge.origin.as_deref().is_none_or(|origin| origin == edge.host_origin())
}

enum Fresh {
    /// They showed their password a moment ago, or need not have.
    Yes(Operator, Option<http::HeaderValue>),
    /// They are asked for it.
    Asked(Response),
}

/// Asks for the password again where the page wants a fresh login and this one is not. What was filled in waits in the form
/// that asks.
async fn freshen(
    signet: &Arc<Signet>,
    edge: &Edge,
    (route, action): (&Route, &str),
    operator: Operator,
    (form, file): (&RawParams, Option<&Upload>),
) -> Result<Fresh, Failure> {
    if !route.fresh || operator.is_fresh(signet) {
        return Ok(Fresh::Yes(operator, None));
    }
    let tried = match form.get(CONFIRM) {
        Some(password) => sign_in::prove(signet, edge, operator.user(), password).await?,
        None => Tried::Not,
    };
    let alert = match tried {
        Tried::Right(user) => {
            let replaces = Some(operator.session());
            return match session::begin(signet, edge, &user, replaces).await? {
                Some(begun) => Ok(Fresh::Yes(operator, Some(begun.cookie))),
                None => Err(Problem::Forbidden.into()),
            };
        }
        Tried::Not => None,
        Tried::Wrong(alert) => Some(alert),
    };
    let lang = language(edge);
    let kept: Vec<(&str, &str)> = form.pairs().filter(|(name, _)| *name != CONFIRM).collect();
    let account = operator.user().account_name();
    let text = file.map(Upload::text).and_then(Result::ok);
    let page = ConfirmPage { lang, action, account, fields: &kept, text, alert };
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(Fresh::Asked(respond::page(status, &page, &Policy::CONSOLE)))
}

/// Where a sign-in leads back to: a page of the console, and nothing else.
pub fn onward(to: Option<&str>) -> &str {
    to.filter(|to| *to == "/console" || to.starts_with("/console/"))
        .filter(|to| !to.contains(['\\', '\r', '\n']) && to.len() <= 2048)
        .unwrap_or("/console")
}

/// The sign-in page that leads back to `to`.
pub fn sign_in_for(to: &str) -> String {
    format!("/console/sign-in?{}", encode_pairs([("to", to)].into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_3_a_sign_in_leads_back_to_the_console_alone() {
        for good in ["/console", "/console/applications?q=a", "/console/users/1"] {
            assert_eq!(onward(Some(good)), good);
        }
        let long = format!("/console/{}", "a".repeat(3000));
        for bad in
            ["", "//evil.example", "https://evil.example", "/consoles", "/login", "/console/\\evil", &long]
        {
            assert_eq!(onward(Some(bad)), "/console", "{bad}");
        }
        assert_eq!(onward(None), "/console");
    }
}
