//! `/console/users/{user}/sessions`: where somebody is signed in.

use askama::Template;
use http::StatusCode;
use signet_protocol::id::{RowId, SessionId};
use signet_store::OpenSession;

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
    error::Failure,
    manage::users::{self, SHOWN},
    respond,
};

#[derive(Template)]
#[template(path = "console/users/sessions.html")]
struct SessionsPage {
    shell: Shell,
    frame: Frame,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    id: SessionId,
    since: String,
    by: String,
    /// The id and name of the one application that it serves.
    application: Option<(String, String)>,
    ends: String,
}

impl SessionsPage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    let frame = Frame::of(&ask, Tab::Sessions).await?;
    let turn = paging::by_id(&ask, paging::USUAL);
    let open = users::sessions(&ask.signet, frame.user.id, turn, SHOWN).await?;
    let pager = Pager::of(&ask, &open, (&frame.action, paging::USUAL), &[], SessionId::to_string);
    let (mut names, mut rows) = (Names::default(), Vec::new());
    for session in open.rows {
        rows.push(row(&ask, session, &mut names).await?);
    }
    let page = SessionsPage { shell: ask.shell(Section::Users), frame, rows, pager };
    ask.page(StatusCode::OK, &page)
}

async fn row(ask: &Ask, session: OpenSession, names: &mut Names) -> Result<Row, Failure> {
    let application = match session.application {
        None => None,
        Some(id) => Some((id.to_string(), names.of(ask, id).await?)),
    };
    Ok(Row {
        id: session.id,
        since: moment(session.auth_time),
        by: session.amr.to_string(),
        application,
        ends: moment(session.expires_at),
    })
}

/// POST: one ends, or all do.
pub async fn submit(ask: Ask) -> Answer {
    let id = user_id(&ask)?;
    ask.signet.store().person(id).await?.ok_or_else(missing)?;
    let done = match ask.form.get("act") {
        Some("all") => {
            users::end_all(&ask.signet, id, &ask.origin()).await?;
            true
        }
        _ => {
            let session = ask.form.get("session").and_then(SessionId::parse).ok_or_else(missing)?;
            users::end_session(&ask.signet, id, session, &ask.origin()).await?
        }
    };
    let done = if done { Notice::Removed } else { Notice::Nothing };
    Ok(respond::see_other(&format!("{}?done={}", Tab::Sessions.path(id), done.as_str())))
}
