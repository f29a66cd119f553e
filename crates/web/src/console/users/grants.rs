//! `/console/users/{user}/grants`: what somebody gave applications.

use askama::Template;
use http::StatusCode;
use signet_protocol::id::{AppId, GrantId, RowId};

use super::{
    frame::{Frame, Names, Tab, is_full, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section, missing, moment,
        shell::{Notice, Shell},
        words::Words,
    },
    manage::users,
    respond,
};

#[derive(Template)]
#[template(path = "console/users/grants.html")]
struct GrantsPage {
    shell: Shell,
    frame: Frame,
    grants: Vec<GrantRow>,
    consents: Vec<ConsentRow>,
    further: bool,
    next: Option<String>,
    next_consents: Option<String>,
}

struct GrantRow {
    id: GrantId,
    application: AppId,
    name: String,
    scope: String,
    offline: bool,
    created: String,
    ends: String,
}

struct ConsentRow {
    application: AppId,
    name: String,
    scope: String,
    granted: String,
}

impl GrantsPage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Grants).await?;
    let before = ask.query.get("before").and_then(GrantId::parse);
    let after = ask.query.get("after").and_then(AppId::parse);
    let held = users::grants(&ask.signet, frame.user.id, before).await?;
    let allowed = users::consents(&ask.signet, frame.user.id, after).await?;
    let next = held.last().filter(|_| is_full(&held));
    let next_consents = allowed.last().filter(|_| is_full(&allowed));
    let (mut names, mut grants, mut consents) = (Names::default(), Vec::new(), Vec::new());
    let next = next.map(|last| format!("{}?before={}", frame.action, last.id));
    let next_consents = next_consents.map(|last| format!("{}?after={}", frame.action, last.application));
    for grant in &held {
        grants.push(GrantRow {
            id: grant.id,
            application: grant.application,
            name: names.of(&ask, grant.application).await?,
            scope: grant.scope.to_string(),
            offline: grant.offline,
            created: moment(grant.created_at),
            ends: moment(grant.expires_at),
        });
    }
    for one in &allowed {
        consents.push(ConsentRow {
            application: one.application,
            name: names.of(&ask, one.application).await?,
            scope: one.consent.scope.to_string(),
            granted: moment(one.granted_at),
        });
    }
    let page = GrantsPage {
        shell: ask.shell(Section::Users),
        frame,
        grants,
        consents,
        further: before.is_some() || after.is_some(),
        next,
        next_consents,
    };
    ask.page(StatusCode::OK, &page)
}

/// POST: a grant is revoked, or a consent taken back.
pub async fn submit(ask: Ask) -> Answer {
    let id = user_id(&ask)?;
    ask.signet.store().person(id).await?.ok_or_else(missing)?;
    let done = match (ask.form.get("grant"), ask.form.get("application")) {
        (Some(grant), _) => {
            let grant = GrantId::parse(grant).ok_or_else(missing)?;
            users::revoke_grant(&ask.signet, id, grant, &ask.origin()).await?
        }
        (None, Some(application)) => {
            let application = AppId::parse(application).ok_or_else(missing)?;
            users::withdraw(&ask.signet, id, application, &ask.origin()).await?
        }
        (None, None) => return Err(missing()),
    };
    let done = if done { Notice::Removed } else { Notice::Nothing };
    Ok(respond::see_other(&format!("{}?done={}", Tab::Grants.path(id), done.as_str())))
}
