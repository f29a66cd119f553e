//! `/console/users/{user}/delete`: that somebody goes.

use askama::Template;
use http::StatusCode;
use signet_store::{GrantCount, Leaf, Turn};

use super::{
    frame::{Frame, Tab, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section, missing,
        shell::{Notice, Shell},
        words::{Words, fill, together},
    },
    manage::{
        edit::{Edit, EditError},
        plan::PlanError,
        users::{self, SHOWN, is_last_owner},
    },
    pages::Problem,
    respond,
};

#[derive(Template)]
#[template(path = "console/users/delete.html")]
struct DeletePage {
    shell: Shell,
    frame: Frame,
    title: String,
    lost: Vec<String>,
    alert: Option<String>,
    last_owner: bool,
}

impl DeletePage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page: what would go with them.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let t: &'static UserWords = ask.words();
    let frame = Frame::of(ask, Tab::Delete).await?;
    let id = frame.user.id;
    let sessions = users::sessions(&ask.signet, id, Turn::First, SHOWN).await?;
    let consents = users::consents(&ask.signet, id, Turn::First, SHOWN).await?;
    let grants = match ask.signet.store().grants_of_user(id).await? {
        GrantCount::Exactly(number) => number.to_string(),
        GrantCount::MoreThan(number) => format!("{number}+"),
    };
    let page = DeletePage {
        shell: ask.shell(Section::Users),
        title: fill(t.delete_title, frame.user.display_name()),
        lost: vec![
            t.lost_profile.to_owned(),
            fill(t.lost_sessions, counted(&sessions)),
            fill(t.lost_grants, grants),
            fill(t.lost_consents, counted(&consents)),
            t.lost_rules.to_owned(),
        ],
        last_owner: is_last_owner(&ask.signet, id).await?,
        frame,
        alert,
    };
    ask.page(if page.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// A number of which only the first are known.
fn counted<T, K>(found: &Leaf<T, K>) -> String {
    let more = if found.next.is_some() { "+" } else { "" };
    format!("{}{more}", found.rows.len())
}

/// POST of the page.
pub async fn submit(ask: Ask) -> Answer {
    let t: &'static UserWords = ask.words();
    let id = user_id(&ask)?;
    let stored = ask.signet.store().person(id).await?.ok_or_else(missing)?.user;
    let seen = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(stored.version);
    match Edit::user(id, seen).set("remove", &true.into()).save(&ask.signet, &ask.origin()).await {
        Ok(_) => Ok(respond::see_other(&format!("/console/users?done={}", Notice::Removed.as_str()))),
        Err(EditError::Refused(problems)) => {
            let all = together(problems.iter().map(|problem| &problem.message), ask.lang);
            page(&ask, Some(all)).await
        }
        Err(EditError::Plan(PlanError::Stale)) => page(&ask, Some(t.stale.to_owned())).await,
        Err(EditError::Plan(PlanError::Forbidden(_))) => Err(Problem::Forbidden.into()),
        Err(EditError::Plan(PlanError::Store(error))) => Err(error.into()),
        Err(EditError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a user was not removed");
            page(&ask, Some(t.busy.to_owned())).await
        }
    }
}
