//! `/console/users/{user}/grants`: what somebody gave applications.

use askama::Template;
use http::StatusCode;
use signet_protocol::id::{AppId, GrantId, RowId};

use super::{
    frame::{Frame, Names, Tab, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section, missing, moment,
        paging::{self, Pager},
        shell::{Notice, Shell},
        words::Words,
    },
    manage::users::{self, SHOWN},
    respond,
};

#[derive(Template)]
#[template(path = "console/users/grants.html")]
struct GrantsPage {
    shell: Shell,
    frame: Frame,
    grants: Vec<GrantRow>,
    consents: Vec<ConsentRow>,
    pager: Pager,
    pager_of_consents: Pager,
}

/// By which parameters the consents are turned, beside the grants.
const CONSENTS: paging::Names = paging::Names { after: "allowed_after", before: "allowed_before" };

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
    let turn = paging::by_id(&ask, paging::USUAL);
    let held = users::grants(&ask.signet, frame.user.id, turn, SHOWN).await?;
    let turn = paging::turn(&ask, CONSENTS, AppId::parse);
    let allowed = users::consents(&ask.signet, frame.user.id, turn, SHOWN).await?;
    let (mut names, mut grants, mut consents) = (Names::default(), Vec::new(), Vec::new());
    let pager = Pager::of(&ask, &held, (&frame.action, paging::USUAL), &[], GrantId::to_string);
    let pager_of_consents = Pager::of(&ask, &allowed, (&frame.action, CONSENTS), &[], AppId::to_string);
    for grant in &held.rows {
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
    for one in &allowed.rows {
        consents.push(ConsentRow {
            application: one.application,
            name: names.of(&ask, one.application).await?,
            scope: one.consent.scope.to_string(),
            granted: moment(one.granted_at),
        });
    }
    let page =
        GrantsPage { shell: ask.shell(Section::Users), frame, grants, consents, pager, pager_of_consents };
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
