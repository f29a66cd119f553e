//! The history of the configuration, of an application or of all, and how one of its changes is undone.

use askama::Template;
use http::StatusCode;
use signet_protocol::{id::AppId, operator::Permission};
use signet_store::Revision;

use super::{
    Answer, Ask, Section, missing, moment,
    review::{self, Around},
    settings::frame::{SettingsWords, Tab, TabLink, tabs},
    shell::{Notice, Shell},
    words::{Words, words},
};
use crate::{
    error::Failure,
    manage::{
        history::{self, UndoError},
        plan::{Plan, PlanError},
    },
    respond,
};

words! {
    /// The texts.
    HistoryWords {
        title: "History", "历史";
        lead: "What was saved here, by whom and why. Undoing shows first what it would change.", "在此保存的变更、操作人及原因。撤销前会先显示将发生的变更。";
        lead_users: "What is done to users is in the audit log and not here.", "对用户的操作记录在审计日志中，不在此处。";
        none: "Nothing was changed yet", "尚无变更";
        none_lead: "Every change that is saved at this console will be listed here, and can be undone.", "在此控制台保存的每项变更都会列在这里，并可撤销。";
        undo: "Undo", "撤销";
        undone: "undone", "已撤销";
        undoing: "an undoing", "撤销操作";
        several: "a change of several entries, of which you may see some only", "涉及多个条目的变更，您仅可查看其中一部分";
        difference: "What was changed", "变更内容";
        older: "Older", "更早";
        newest: "Newest", "最新";
        by: "by {}", "操作人：{}";
        conflict: "What this changed was changed again since, so undoing it would take back that, too. Undo the later change first, or make the change by hand. To be as this change left it, the following would have to be so again:", "此项内容之后又被修改，撤销会连带撤回后来的修改。请先撤销后来的修改，或手动更改。要恢复到此变更后的状态，需要以下内容：";
        not_kept: "This cannot be undone: it did nothing but replace a secret, which stays replaced, or it was very large.", "无法撤销：此变更仅更换了密钥（旧密钥不会恢复），或内容过大。";
        was_undone: "This was undone already.", "此变更已被撤销。";
        not_allowed: "Your role does not allow what undoing this comes to.", "您的角色不允许执行此撤销。";
        refused: "This does not fit any more what there is now:", "与当前内容不再相符：";
        busy: "The server cannot do this now; try again in a moment.", "服务器暂时无法处理，请稍后重试。";
    }
}

/// Revisions of a page.
const PAGE: i64 = 30;
/// About how many bytes of them a page has at most, and how many one has without its lines.
const WEIGHT: usize = 80_000;
const BARE: usize = 1200;

/// A revision as it is shown.
pub struct Row {
    pub id: String,
    pub at: String,
    pub author: String,
    pub reason: String,
    pub title: String,
    pub lines: Vec<String>,
    pub undone: bool,
    pub undoing: bool,
    pub may_undo: bool,
}

/// A list of them, for the page of an application or of the settings.
pub struct History {
    pub t: &'static HistoryWords,
    pub rows: Vec<Row>,
    /// Where a form that undoes is sent.
    pub action: String,
    pub alert: Option<Alert>,
    pub older: Option<String>,
    pub newest: Option<String>,
}

/// Why nothing was undone.
pub struct Alert {
    pub text: &'static str,
    pub lines: Vec<String>,
}

impl Row {
    /// Who it was, in a few words.
    pub fn by(&self, t: &HistoryWords) -> String {
        super::words::fill(t.by, &self.author)
    }
}

#[derive(Template)]
#[template(path = "console/settings/history.html")]
struct HistoryPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    history: History,
}

impl HistoryPage {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }
}

/// GET `/console/settings/history`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<Alert>) -> Answer {
    let status = if alert.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = HistoryPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::History),
        history: of(ask, None, Tab::History.path(), alert).await?,
    };
    ask.page(status, &page)
}

/// POST of the same: undoes one.
pub async fn submit(ask: Ask) -> Answer {
    let t: &'static SettingsWords = ask.words();
    let back = Tab::History.path();
    let allow = |_: &Revision, _: Option<&Plan>| true;
    match undo(&ask, &Around { of: t.settings, section: Section::Settings, back }, allow).await {
        Ok(answer) => answer,
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

/// The revisions of an application, or all, as far as whoever asks may see them.
pub async fn of(
    ask: &Ask,
    application: Option<AppId>,
    home: &str,
    alert: Option<Alert>,
) -> Result<History, Failure> {
    let t: &'static HistoryWords = ask.words();
    let before = ask.query.get("before").and_then(history::parse_id);
    let mut found = history::list(&ask.signet, application, before, PAGE).await?;
    let kept = fitting(&found);
    let older = found
        .get(..kept)
        .and_then(<[_]>::last)
        .filter(|_| kept < found.len() || found.len() == PAGE as usize);
    let older = older.map(|last| format!("{home}?before={}#history", history::name_of(last.id)));
    found.truncate(kept);
    let may_undo = match application {
        Some(_) => ask.may(Permission::ApplicationsWrite),
        None => ask.may(Permission::SettingsWrite),
    };
    if let Some(id) = application.filter(|_| !ask.operator.may(Permission::SettingsRead, None)) {
        for revision in &mut found {
            hide(ask, id, revision).await?;
        }
    }
    let row = |revision: Revision| Row {
        may_undo: may_undo && history::can_be_undone(&revision),
        id: history::name_of(revision.id),
        at: moment(revision.at),
        author: revision.author.name.unwrap_or_else(|| "?".to_owned()),
        reason: revision.reason.unwrap_or_default(),
        undone: revision.undone_by.is_some(),
        undoing: revision.undoes.is_some(),
        title: revision.title,
        lines: revision.lines,
    };
    Ok(History {
        t,
        rows: found.into_iter().map(row).collect(),
        action: format!("{home}/undo"),
        alert,
        older,
        newest: before.map(|_| format!("{home}#history")),
    })
}

/// How many of these have room on a page: one that changed much has thousands of bytes of lines.
fn fitting(found: &[Revision]) -> usize {
    let mut weight = 0;
    let fits = |revision: &Revision| {
        weight += BARE + revision.lines.iter().map(|line| line.len() + 8).sum::<usize>();
        weight <= WEIGHT
    };
    found.iter().map(fits).take_while(|fits| *fits).count().max(1).min(found.len())
}

/// Of a change of several entries, who may see this application alone sees that there was one.
async fn hide(ask: &Ask, id: AppId, revision: &mut Revision) -> Result<(), Failure> {
    let whole = ask.signet.store().revision(revision.id).await?.ok_or_else(missing)?;
    if !history::is_about_alone(&whole, id) {
        revision.title = ask.words::<HistoryWords>().several.to_owned();
        revision.lines = Vec::new();
        revision.texts = None;
    }
    Ok(())
}

/// Shows what undoing the revision of the form would do, or does it if that was shown and confirmed.
pub async fn undo(
    ask: &Ask,
    around: &Around<'_>,
    allow: impl Fn(&Revision, Option<&Plan>) -> bool,
) -> Result<Answer, Alert> {
    let t: &'static HistoryWords = ask.words();
    let Some(id) = ask.form.get("revision").and_then(history::parse_id) else { return Ok(Err(missing())) };
    let outcome = match ask.form.get("step") {
        Some("confirm") => history::undo(&ask.signet, id, &ask.origin(), allow).await.map(|_| None),
        _ => history::preview(&ask.signet, id, allow).await.map(|(_, plan)| Some(plan)),
    };
    let alert = |text, lines| Err(Alert { text, lines });
    match outcome {
        Ok(None) => Ok(Ok(respond::see_other(&format!("{}?done={}", around.back, Notice::Undone.as_str())))),
        Ok(Some(plan)) => Ok(review::show(ask, &plan, around).await),
        Err(UndoError::Missing) => Ok(Err(missing())),
        Err(UndoError::NotKept) => alert(t.not_kept, Vec::new()),
        Err(UndoError::Undone) => alert(t.was_undone, Vec::new()),
        Err(UndoError::NotAllowed) => alert(t.not_allowed, Vec::new()),
        Err(UndoError::Conflict(lines)) => alert(t.conflict, lines),
        Err(UndoError::Plan(PlanError::Refused(problems))) => {
            alert(t.refused, problems.into_iter().map(|problem| problem.message).collect())
        }
        Err(UndoError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not undone");
            alert(t.busy, Vec::new())
        }
    }
}
