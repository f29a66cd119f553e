//! "May this account …?": what the rules say to a scope, and which of them.

use std::{net::IpAddr, sync::Arc};

use signet_protocol::{
    id::{AccountId, AppId, UserId},
    operator::Permission,
    resource::{Because, Caller, Permissions, ScopeCase},
    scope::Scope,
    user::LoginName,
};

use super::{CallerWords, rules, rules::RuleRow};
use crate::{console::Ask, error::Failure};

/// What was asked, and what the rules say.
#[derive(Default)]
pub struct Test {
    pub who: String,
    pub scope: String,
    pub ip: String,
    /// Whether users may be asked about, too.
    pub users: bool,
    pub alert: Option<&'static str>,
    pub note: Option<&'static str>,
    pub lines: Vec<Line>,
}

/// What the rules say to one item.
pub struct Line {
    pub item: String,
    pub granted: bool,
    pub because: &'static str,
    pub rule: Option<RuleRow>,
}

/// What the query asks.
pub async fn test(ask: &Ask, id: AppId) -> Result<Test, Failure> {
    let t: &'static CallerWords = ask.words();
    let text = |key: &str| ask.query.get(key).unwrap_or_default().trim().to_owned();
    let users = ask.operator.may(Permission::UsersRead, None);
    let mut test = Test { who: text("who"), scope: text("scope"), ip: text("ip"), users, ..Test::default() };
    if test.who.is_empty() && test.scope.is_empty() {
        return Ok(test);
    }
    let Ok(scope) = Scope::parse(&test.scope) else {
        return Ok(Test { alert: Some(t.bad_scope), ..test });
    };
    let ip = match test.ip.as_str() {
        "" => None,
        text => match text.parse::<IpAddr>() {
            Ok(ip) => Some(ip),
            Err(_) => return Ok(Test { alert: Some(t.bad_ip), ..test }),
        },
    };
    let (store, now) = (ask.signet.store(), ask.signet.now().timestamp());
    let permissions = store.permissions(id).await?;
    let settings = store.pool_settings().await?;
    let case =
        |caller| ScopeCase { scope: &scope, api: None, caller, settings: &settings, ip, now, mfa: None };
    let account = match AccountId::parse(&test.who) {
        Some(key) => store.account(key).await?.filter(|account| account.application == id),
        None => None,
    };
    if let Some(account) = account {
        test.note = (!account.enabled).then_some(t.is_disabled);
        test.lines = lines(ask, &permissions, &case(Caller::Account(account.id))).await?;
        return Ok(test);
    }
    let user = match (users, UserId::parse(&test.who), LoginName::parse(&test.who)) {
        (true, Some(id), _) => store.user(id).await?,
        (true, None, Some(name)) => store.user_by_login(&name).await?.map(Arc::new),
        _ => None,
    };
    match user {
        Some(user) => test.lines = lines(ask, &permissions, &case(Caller::User(&user))).await?,
        None => test.alert = Some(if users { t.nobody } else { t.no_account }),
    }
    Ok(test)
}

async fn lines(ask: &Ask, permissions: &Permissions, case: &ScopeCase<'_>) -> Result<Vec<Line>, Failure> {
    let t: &'static CallerWords = ask.words();
    let mut lines = Vec::new();
    for (value, why) in permissions.explain(case) {
        let (because, rule) = match why {
            Because::ScopeOfUsers => (t.why_scope, None),
            Because::OnlyUsers => (t.why_only_users, None),
            Because::Malformed => (t.why_malformed, None),
            Because::Undefined => (t.why_undefined, None),
            Because::Denied(rule) => (t.why_denied, Some(rule)),
            Because::Allowed(rule) => (t.why_allowed, Some(rule)),
            Because::Unmet(rule) => (t.why_unmet, Some(rule)),
            Because::NoRule => (t.why_no_rule, None),
        };
        let rule = match rule {
            Some(rule) => Some(rules::row(ask, rule).await?),
            None => None,
        };
        lines.push(Line { item: value.as_str().to_owned(), granted: why.grants(), because, rule });
    }
    Ok(lines)
}
