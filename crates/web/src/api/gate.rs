//! What every request to the API passes.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::Request, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::IF_MATCH};
use signet_protocol::{id::AppId, operator::Permission, params::RawParams};

use super::{
    Answer, Ask, ParamKind, ROWS, Route, body,
    caller::Caller,
    limit::{Left, REQUESTS_PER_MINUTE},
    problem::{FORBIDDEN, METHOD, NOT_FOUND, Problem, STALE, TOO_MANY, Wrong},
    repeat::{self, Repeat},
    reply,
};
use crate::{Signet, edge::Edge};

/// Why a change is made, in the words of whoever makes it: for the audit log.
const REASON: HeaderName = HeaderName::from_static("x-signet-reason");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Answers a request by the row of the table that its path and method have.
pub async fn pass(
    signet: Arc<Signet>,
    edge: Edge,
    path: BTreeMap<String, String>,
    request: Request,
    pattern: &'static str,
) -> Response {
    let id = edge.request_id.clone();
    let mut left = None;
    let answer = Box::pin(through(&signet, edge, path, request, (pattern, &mut left))).await;
    let mut response = match &answer {
        Ok((reply, _)) => reply.response(),
        Err(problem) => {
            tracing::info!(request_id = id, problem = problem.kind.name, detail = problem.detail, "refused");
            reply::problem(problem, &id)
        }
    };
    let headers = response.headers_mut();
    if let Some(Left { requests, seconds }) = left {
        let remaining = requests.unwrap_or_default();
        reply::put(headers, RATE_LIMIT, Some(format!("\"default\";r={remaining};t={seconds}")));
        reply::put(headers, RATE_LIMIT_POLICY, Some(format!("\"default\";q={REQUESTS_PER_MINUTE};w=60")));
    }
    if matches!(answer, Ok((_, true))) {
        headers.insert(repeat::REPEATED, HeaderValue::from_static("true"));
    }
    response
}

/// There is nothing at the path.
pub fn nothing(edge: &Edge) -> Response {
    let detail = "no route has this path; see /api/v1/openapi.json, and leave out a slash at the end";
    reply::problem(&Problem::new(NOT_FOUND, detail), &edge.request_id)
}

async fn through(
    signet: &Arc<Signet>,
    edge: Edge,
    path: BTreeMap<String, String>,
    request: Request,
    (pattern, left): (&'static str, &mut Option<Left>),
) -> Result<(super::Reply, bool), Problem> {
    if edge.own.is_some() {
        return Err(Problem::new(NOT_FOUND, "the admin API is at the pool's own address"));
    }
    let rows: Vec<&'static Route> = ROWS.iter().filter(|row| row.path == pattern).collect();
    let wanted = if edge.method == Method::HEAD { &Method::GET } else { &edge.method };
    let found = rows.iter().find(|row| row.method == *wanted);
    let Some(route) = found else { return Err(not_this_way(&rows)) };
    let caller = Caller::of(signet, &edge, request.headers()).await?;
    let counted = signet.api_limits().count(caller.id(), signet.now().timestamp());
    *left = Some(counted);
    if counted.requests.is_none() {
        let detail = format!("a caller may send {REQUESTS_PER_MINUTE} requests a minute; wait for the next");
        return Err(Problem::new(TOO_MANY, detail).after(counted.seconds));
    }
    let application = path.get("app").and_then(|text| AppId::parse(text));
    let needs = route.permissions();
    let lacking: Vec<_> = needs.into_iter().filter(|needed| !caller.may(*needed, application)).collect();
    if !lacking.is_empty() {
        return Err(Problem::lacks(&lacking));
    }
    let sensitive = route.method != Method::GET || route.permissions().contains(&Permission::SecretsRead);
    if caller.is_stale() && sensitive {
        let detail =
            "the login to the console is older than 15 minutes: this needs the password again; sign in anew";
        return Err(Problem::new(FORBIDDEN, detail));
    }
    if path.values().any(|part| part.contains('\0')) {
        return Err(Problem::new(NOT_FOUND, "nothing is called so"));
    }
    let query = query(&edge, route)?;
    let headers = request.headers().clone();
    let version = if route.versioned { if_match(&headers)? } else { None };
    let bytes = if route.takes.is_some() {
        body::check_type(&headers)?;
        body::read(request, route.large).await?
    } else {
        Vec::new()
    };
    let members = if route.takes.is_some() { body::parse(&bytes)? } else { Default::default() };
    let begun = if route.method == Method::POST {
        let about = (&caller.id(), route.method.as_str(), edge.uri.path());
        repeat::begin(signet, &headers, about, &bytes).await?
    } else {
        Repeat::Unnamed
    };
    let running = match begun {
        Repeat::Done(reply) => return Ok((*reply, true)),
        Repeat::First(running) => Some(running),
        Repeat::Unnamed => None,
    };
    let reason = headers.get(REASON).and_then(|value| value.to_str().ok()).map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
    let signet_ = Arc::clone(signet);
    let ask = Ask { signet: signet_, edge, caller, path, query, body: members, version, reason };
    let answer: Answer = (route.handler)(ask).await;
    if let Some(running) = running {
        repeat::end(signet, running, &answer).await?;
    }
    answer.map(|reply| (reply, false))
}

fn not_this_way(rows: &[&Route]) -> Problem {
    let mut allowed: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    Problem {
        allowed: Some(allowed.as_str().into()),
        ..Problem::new(METHOD, format!("this path has {allowed}"))
    }
}

/// The parameters of a query: those of the route, each once and as it may be.
fn query(edge: &Edge, route: &Route) -> Result<RawParams, Problem> {
    let query = edge.query()?;
    let mut wrong = Vec::new();
    for (name, value) in query.pairs() {
        let found = route.query.iter().find(|param| param.name == name);
        let Some(param) = found else {
            wrong.push(body::unknown(name, route.query.iter().map(|param| param.name)));
            continue;
        };
        let message = if query.repeats(name) {
            Some(format!("`{name}` is there twice; send it once"))
        } else if value.contains('\0') {
            Some(format!("`{name}` has the character U+0000, which nothing has"))
        } else {
            told(param.kind, value).map(|must| format!("`{name}` must be {must}"))
        };
        wrong.extend(message.map(|message| Wrong { field: name.to_owned(), message }));
    }
    if wrong.is_empty() { Ok(query) } else { Err(Problem::fields(wrong)) }
}

/// What a value must be, if it is not.
fn told(kind: ParamKind, value: &str) -> Option<String> {
    let good = value.is_empty()
        || match kind {
            ParamKind::Text => true,
            ParamKind::Truth => matches!(value, "true" | "false"),
            ParamKind::Number(least, most) => {
                value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number))
            }
            ParamKind::OneOf(all) => all.contains(&value),
        };
    (!good).then(|| match kind {
        ParamKind::Text => "a text".to_owned(),
        ParamKind::Truth => "true or false".to_owned(),
        ParamKind::Number(least, most) => format!("a whole number from {least} to {most}"),
        ParamKind::OneOf(all) => format!("one of {}", all.join(", ")),
    })
}

/// The version that a change is made from (RFC 9110 §13.1.1): `"7"`, or `*` for any.
fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let mut all = headers.get_all(IF_MATCH).iter();
    let text = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.to_str().unwrap_or_default().trim(),
        (Some(_), Some(_)) => "",
    };
    if text == "*" {
        return Ok(None);
    }
    let version =
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    // What is none of ours matches nothing.
    version.map(Some).ok_or_else(|| {
        Problem::new(STALE, "If-Match must be the one ETag that a GET of this answered, quotes included")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_strong_etag() {
        let read = |values: &[&'static str]| {
            let headers = values.iter().map(|value| (IF_MATCH, HeaderValue::from_static(value))).collect();
            if_match(&headers).map_err(|problem| problem.kind)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(None));
        assert_eq!(read(&["\"7\""]), Ok(Some(7)));
        for wrong in ["7", "W/\"7\"", "\"7\", \"8\"", "\"\"", "\"x\"", ""] {
            assert_eq!(read(&[wrong]), Err(STALE), "{wrong}");
        }
        assert_eq!(read(&["\"7\"", "\"7\""]), Err(STALE));
    }

    #[test]
    fn parameters_are_what_they_may_be() {
        for (kind, good, bad) in [
            (ParamKind::Truth, "true", "yes"),
            (ParamKind::Number(1, 100), "100", "101"),
            (ParamKind::Number(1, 100), "1", "9999999999999999999"),
            (ParamKind::OneOf(&["a", "b"]), "b", "c"),
        ] {
            assert_eq!(told(kind, good), None);
            assert!(told(kind, bad).is_some(), "{bad}");
        }
    }
}
