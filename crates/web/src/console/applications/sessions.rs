//! Who is signed in to an application.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    id::{GrantId, UserId},
    operator::Permission,
};

use super::frame::{Frame, Tab};
use crate::{
    console::{
        Answer, Ask, Section, missing, moment,
        paging::{self, Pager},
        shell::{Notice, Shell},
        users::words::UserWords,
        words::{Words, fill},
    },
    manage::users::{
        end_at,
        logged_in::{LoggedIn, end_everybody, list},
    },
    respond,
};

#[derive(Template)]
#[template(path = "console/applications/sessions.html")]
struct SessionsPage {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    alert: Option<String>,
    action: String,
    /// Whether whoever looks may open the pages of users.
    opens_users: bool,
    pager: Pager,
}

struct Row {
    user: UserId,
    name: String,
    account: String,
    since: String,
    last: String,
    by: String,
    offline: bool,
}

impl SessionsPage {
    fn w(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Sessions).await?;
    let action = format!("/console/applications/{}{}", frame.application.id, Tab::Sessions.path());
    let turn = paging::by_id(ask, paging::USUAL);
    let logins = list(&ask.signet, frame.application.id, turn).await?;
    let pager = Pager::of(ask, &logins, (&action, paging::USUAL), &[], GrantId::to_string);
    let page = SessionsPage {
        shell: ask.shell(Section::Applications),
        rows: logins.rows.into_iter().map(row).collect(),
        pager,
        opens_users: ask.operator.may(Permission::UsersRead, None),
        frame,
        alert,
        action,
    };
    ask.page(StatusCode::OK, &page)
}

fn row(one: LoggedIn) -> Row {
    let stored = one.stored.as_deref();
    Row {
        user: one.user,
        name: stored.map_or_else(|| one.user.to_string(), |user| user.display_name().to_owned()),
        account: stored.map_or_else(String::new, |user| user.account_name().to_owned()),
        since: moment(one.since),
        last: moment(one.last),
        by: one.amr.to_string(),
        offline: one.offline,
    }
}

/// POST: one is signed out of it, or everybody.
pub async fn submit(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    ask.signet.store().application(id).await?.ok_or_else(missing)?;
    if ask.form.get("act") == Some("everybody") {
        let (gone, more) = end_everybody(&ask.signet, id, &ask.origin()).await?;
        if more {
            return page(&ask, Some(fill(ask.words::<UserWords>().everybody_more, gone))).await;
        }
    } else {
        let user = ask.form.get("user").and_then(UserId::parse).ok_or_else(missing)?;
        end_at(&ask.signet, user, id, &ask.origin()).await?;
    }
    let done = Notice::Removed.as_str();
    Ok(respond::see_other(&format!("/console/applications/{id}/sessions?done={done}")))
}
