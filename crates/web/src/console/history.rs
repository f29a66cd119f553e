//! The history of the configuration, of an application or of all, and how one of its changes is undone.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    id::{AppId, RevisionId},
    operator::Permission,
    said::Said,
};
use signet_store::{About, Revision};

use super::{
    Answer, Ask, Section, missing, moment,
    paging::{self, Names, Pager},
    review::{self, Around},
    settings::frame::{SettingsWords, Tab, TabLink, tabs},
    shell::{Notice, Shell},
    words::{Words, fill, words},
};
use crate::{
    error::Failure,
    manage::{
        authority,
        history::{self, Lost, UndoError},
        plan::{Plan, PlanError, words},
    },
    respond,
};

words! {
    /// The texts.
    HistoryWords {
        more_lines: "and {} more", "及另外 {} 项";
        title: "History", "历史";
        lead: "What was saved here, by whom and why. Undoing shows first what it would change.", "在此保存的变更、操作人及原因。撤销前会先显示将发生的变更。";
        lead_users: "Changes of users are kept here for thirty days; the audit log has them for longer.", "用户变更在此保留三十天；审计日志保留更久。";
        none: "Nothing was changed yet", "尚无变更";
        none_lead: "Every change that is saved at this console will be listed here, and can be undone.", "在此控制台保存的每项变更都会列在这里，并可撤销。";
        undo: "Undo", "撤销";
        undone: "undone", "已撤销";
        undoing: "an undoing", "撤销操作";
        several: "a change of several entries, of which you may see some only", "涉及多个条目的变更，您仅可查看其中一部分";
        difference: "What was changed", "变更内容";
        by: "by {}", "操作人：{}";
        conflict: "What this changed was changed again since, so undoing it would take back that, too. Undo the later change first, or make the change by hand. To be as this change left it, the following would have to be so again:", "此项内容之后又被修改，撤销会连带撤回后来的修改。请先撤销后来的修改，或手动更改。要恢复到此变更后的状态，需要以下内容：";
        not_kept: "This cannot be undone: it did nothing but replace a secret, which stays replaced, or it was very large.", "无法撤销：此变更仅更换了密钥（旧密钥不会恢复），或内容过大。";
        was_undone: "This was undone already.", "此变更已被撤销。";
        lost_user: "They come back without a password, logins, a role at this console, rules about them, and without what they gave and allowed applications. Make a one-time link afterwards, with which they choose a password.", "用户恢复后没有密码、登录、控制台角色、相关规则，也没有曾授予应用的权限和同意。恢复后请创建一次性链接，供其设置密码。";
        lost_account: "The account comes back with the SecretKey that it had: whoever knows that can use it again. Refresh it if somebody may know it who should not. Its tokens stay worthless.", "账户会带着原有的 SecretKey 恢复：知道该密钥的人可再次使用它。若可能已泄露，请更新密钥。原有令牌不会恢复。";
        lost_application: "The application comes back with the App Secret that it had. Logins, grants and signing keys do not come back.", "应用会带着原有的 App Secret 恢复。登录、授权和签名密钥不会恢复。";
        lost_replaced: "The password or secret that was replaced is not brought back.", "已被替换的密码或密钥不会恢复。";
        not_allowed: "Your role does not allow what undoing this comes to.", "您的角色不允许执行此撤销。";
        refused: "This does not fit any more what there is now:", "与当前内容不再相符：";
        busy: "The server cannot do this now; try again in a moment.", "服务器暂时无法处理，请稍后重试。";
    }
}

/// Revisions of a page.
const PAGE: usize = 30;

/// By which parameters its pages are turned, beside those of another list on the page.
const PAGES: Names = Names { after: "revisions_after", before: "revisions_before" };
/// About how many bytes of lines are shown of one: a page has room for those of all.
const WEIGHT: usize = 2500;

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
    pub pager: Pager,
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
        history: of(ask, About::Everything, Tab::History.path(), alert).await?,
    };
    ask.page(status, &page)
}

/// POST of the same: undoes one.
pub async fn submit(ask: Ask) -> Answer {
    let t: &'static SettingsWords = ask.words();
    let back = Tab::History.path();
    let users = ask.may(Permission::UsersWrite);
    let allow = |revision: &Revision, _: Option<&Plan>| users || revision.users.is_empty();
    match undo(&ask, Around::of(t.settings, Section::Settings, back), allow).await {
        Ok(answer) => answer,
        Err(alert) => page(&ask, Some(alert)).await,
    }
}

/// The revisions about something, as far as whoever asks may see them.
pub async fn of(ask: &Ask, about: About, home: &str, alert: Option<Alert>) -> Result<History, Failure> {
    let t: &'static HistoryWords = ask.words();
    let mut found = history::list(&ask.signet, about, paging::by_id(ask, PAGES), PAGE).await?;
    let pager = Pager::of(ask, &found, (&format!("{home}#history"), PAGES), &[], RevisionId::to_string);
    let may_undo = match about {
        About::Application(_) => ask.may(Permission::ApplicationsWrite),
        About::User(_) => ask.may(Permission::UsersWrite),
        About::Everything => ask.may(Permission::SettingsWrite),
    };
    if let About::Application(id) = about
        && !ask.operator.may(Permission::SettingsRead, None)
    {
        for revision in &mut found.rows {
            hide(ask, id, revision).await?;
        }
    }
    let row = |revision: Revision| Row {
        may_undo: may_undo && history::can_be_undone(&revision),
        id: revision.id.to_string(),
        at: moment(revision.at),
        author: revision.author.name.unwrap_or_else(|| "?".to_owned()),
        reason: revision.reason.unwrap_or_default(),
        undone: revision.undone_by.is_some(),
        undoing: revision.undoes.is_some(),
        title: words::title(&revision.title, ask.lang),
        lines: shown(&revision.lines, ask),
    };
    Ok(History {
        t,
        rows: found.rows.into_iter().map(row).collect(),
        action: format!("{home}/undo"),
        alert,
        pager,
    })
}

fn shown(lines: &[String], ask: &Ask) -> Vec<String> {
    let (shown, more) = fitting(lines);
    let rest = (more > 0).then(|| fill(ask.words::<HistoryWords>().more_lines, more));
    shown.iter().map(|line| words::told(line, ask.lang)).chain(rest).collect()
}

/// As many lines of a revision as there is room for, and how many there are besides.
fn fitting(lines: &[String]) -> (&[String], usize) {
    let mut weight = 0;
    let fits = |line: &&String| {
        weight += line.len() + 8;
        weight <= WEIGHT
    };
    let shown = lines.iter().take_while(fits).count().max(1).min(lines.len());
    (lines.get(..shown).unwrap_or_default(), lines.len() - shown)
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

/// Whether a revision is about somebody whom whoever asks may not change.
async fn guarded(ask: &Ask, id: RevisionId) -> Result<bool, Failure> {
    let Some(revision) = ask.signet.store().revision(id).await? else { return Ok(false) };
    for user in revision.users {
        if !authority::may_change(&ask.signet, &ask.origin(), user).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl HistoryWords {
    fn lost(&self, lost: Lost) -> &'static str {
        match lost {
            Lost::OfUser => self.lost_user,
            Lost::OfAccount => self.lost_account,
            Lost::OfApplication => self.lost_application,
            Lost::Replaced => self.lost_replaced,
        }
    }
}

/// Shows what undoing the revision of the form would do, or does it if that was shown and confirmed.
pub async fn undo(
    ask: &Ask,
    mut around: Around<'_>,
    allow: impl Fn(&Revision, Option<&Plan>) -> bool,
) -> Result<Answer, Alert> {
    let t: &'static HistoryWords = ask.words();
    let Some(id) = ask.form.get("revision").and_then(history::parse_id) else { return Ok(Err(missing())) };
    let guards = match guarded(ask, id).await {
        Ok(guards) => guards,
        Err(failure) => return Ok(Err(failure)),
    };
    let allow = |revision: &Revision, plan: Option<&Plan>| !guards && allow(revision, plan);
    let outcome = match ask.form.get("step") {
        Some("confirm") => history::undo(&ask.signet, id, &ask.origin(), allow).await.map(|_| None),
        _ => history::preview(&ask.signet, id, allow).await.map(Some),
    };
    let alert = |text, lines| Err(Alert { text, lines });
    let in_words = |all: Vec<Said>| all.iter().map(|said| said.of(ask.lang).to_owned()).collect();
    match outcome {
        Ok(None) => Ok(Ok(respond::see_other(&format!("{}?done={}", around.back, Notice::Undone.as_str())))),
        Ok(Some((undone, plan))) => {
            around.notes = history::lost(&undone, &plan).into_iter().map(|lost| t.lost(lost)).collect();
            Ok(review::show(ask, &plan, &around).await)
        }
        Err(UndoError::Missing) => Ok(Err(missing())),
        Err(UndoError::NotKept) => alert(t.not_kept, Vec::new()),
        Err(UndoError::Undone) => alert(t.was_undone, Vec::new()),
        Err(UndoError::NotAllowed) => alert(t.not_allowed, Vec::new()),
        Err(UndoError::Conflict(lines)) => alert(t.conflict, in_words(lines)),
        Err(UndoError::Plan(PlanError::Refused(problems))) => {
            alert(t.refused, in_words(problems.into_iter().map(|problem| problem.message).collect()))
        }
        Err(UndoError::Plan(PlanError::Forbidden(_))) => alert(t.not_allowed, Vec::new()),
        Err(UndoError::Plan(error)) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a change was not undone");
            alert(t.busy, Vec::new())
        }
    }
}
