//! Accounts: the list, one account, and its keys, which are shown once.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    application::Application, id::AccountId, operator::Permission, params::RawParams, time::Seconds,
};

use super::{CallerWords, application, home};
use crate::{
    console::{
        Answer, Ask, Section,
        applications::frame::{Frame, Tab},
        missing, moment,
        review::{self, Around},
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    error::Failure,
    manage::accounts::{self, AccountEdit, AccountError, AccountView, NewAccount, NewKey, Which},
    pages::Problem,
    respond,
};

/// An account as a list shows it.
pub struct AccountRow {
    pub id: AccountId,
    pub lifetime: i64,
    pub remarks: String,
    pub enabled: bool,
    pub last_used: Option<String>,
}

#[derive(Template)]
#[template(path = "console/callers/account.html")]
struct AccountPage {
    shell: Shell,
    frame: Frame,
    home: String,
    action: String,
    account: AccountView,
    last_used: Option<String>,
    overlap_until: Option<String>,
    created: String,
    rules: usize,
    may_see_secret: bool,
    alert: Option<String>,
    form: RawParams,
}

impl AccountPage {
    fn t(&self) -> &'static CallerWords {
        CallerWords::of(self.shell.lang)
    }

    fn title(&self) -> String {
        fill(self.t().account_title, self.account.id)
    }

    fn lost_rules(&self) -> String {
        fill(self.t().lost_rules, self.rules)
    }

    fn remarks(&self) -> &str {
        self.typed("remarks").or(self.account.remarks.as_deref()).unwrap_or_default()
    }

    fn lifetime(&self) -> String {
        self.typed("token_lifetime").map_or_else(|| self.account.token_lifetime.0.to_string(), str::to_owned)
    }

    /// What was typed, in a form that is shown again.
    fn typed(&self, name: &str) -> Option<&str> {
        self.form.get(name).filter(|_| self.alert.is_some())
    }
}

#[derive(Template)]
#[template(path = "console/callers/keys.html")]
struct KeysPage {
    shell: Shell,
    frame: Frame,
    back: String,
    key: NewKey,
    overlap_until: Option<String>,
}

impl KeysPage {
    fn t(&self) -> &'static CallerWords {
        CallerWords::of(self.shell.lang)
    }
}

/// The next `limit` accounts of an application behind one.
pub async fn rows(
    ask: &Ask,
    application: &Application,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Vec<AccountRow>, Failure> {
    let some = accounts::page(&ask.signet, application, after, limit).await?;
    let row = |account: AccountView| AccountRow {
        id: account.id,
        lifetime: account.token_lifetime.0,
        remarks: account.remarks.unwrap_or_default(),
        enabled: account.enabled,
        last_used: account.last_used.map(moment),
    };
    Ok(some.0.into_iter().map(row).collect())
}

/// POST `/console/applications/{app}/callers/accounts`: makes one, and shows its keys.
pub async fn create(ask: Ask) -> Answer {
    if !ask.may(Permission::ApplicationsWrite) {
        return Err(Problem::Forbidden.into());
    }
    let application = application(&ask).await?;
    let new = NewAccount { token_lifetime: Some(lifetime(&ask)), remarks: Some(remarks(&ask)) };
    match accounts::create(&ask.signet, &application.id.to_string(), new, &ask.origin()).await {
        Ok(key) => keys(&ask, key).await,
        Err(error) => super::page(&ask, Some(alert(&ask, error)?)).await,
    }
}

async fn keys(ask: &Ask, key: NewKey) -> Answer {
    let frame = Frame::of(ask, Tab::Callers).await?;
    let page = KeysPage {
        shell: ask.shell(Section::Applications),
        back: format!("{}/accounts/{}", home(&frame), key.account.id),
        frame,
        overlap_until: key.account.overlap_until.map(moment),
        key,
    };
    ask.page(StatusCode::OK, &page)
}

/// GET `/console/applications/{app}/callers/accounts/{account}`.
pub async fn show(ask: Ask) -> Answer {
    one(&ask, None).await
}

async fn one(ask: &Ask, alert: Option<String>) -> Answer {
    let account = asked(ask).await?;
    let frame = Frame::of(ask, Tab::Callers).await?;
    let rules = ask.signet.store().count_rules_about(account.application, account.id).await?;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let home = home(&frame);
    let page = AccountPage {
        shell: ask.shell(Section::Applications),
        action: format!("{home}/accounts/{}", account.id),
        home,
        may_see_secret: ask.may(Permission::SecretsRead),
        frame,
        last_used: account.last_used.map(moment),
        overlap_until: account.overlap_until.map(moment),
        created: moment(account.created_at),
        rules,
        account,
        alert,
        form: ask.form.clone(),
    };
    ask.page(status, &page)
}

/// POST of the same: lifetime and remarks, or whether it is enabled.
pub async fn save(ask: Ask) -> Answer {
    let account = asked(&ask).await?;
    let edit = match ask.form.get("act") {
        Some("enable") => AccountEdit { enabled: Some(true), ..AccountEdit::default() },
        Some("disable") => AccountEdit { enabled: Some(false), ..AccountEdit::default() },
        _ => AccountEdit {
            token_lifetime: Some(lifetime(&ask)),
            remarks: Some(Some(remarks(&ask))),
            enabled: None,
        },
    };
    let (which, here) = (seen(&ask, &account), format!("/accounts/{}", account.id));
    if ask.form.get("step") != Some("confirm") {
        return match accounts::preview(&ask.signet, which, &edit, &ask.origin()).await {
            Ok(plan) if plan.changes().is_empty() => Ok(back(&ask, &here, Notice::Nothing)),
            Ok(plan) => {
                let of = account.id.to_string();
                let home = format!("{}{here}", home(&Frame::of(&ask, Tab::Callers).await?));
                let around = Around::of(&of, Section::Applications, &home);
                review::show(&ask, &plan, &around).await
            }
            Err(error) => one(&ask, Some(alert(&ask, error)?)).await,
        };
    }
    match accounts::edit(&ask.signet, which, edit, &ask.origin()).await {
        Ok(_) => Ok(back(&ask, &here, Notice::Saved)),
        Err(error) => one(&ask, Some(alert(&ask, error)?)).await,
    }
}

/// POST `…/key`: another SecretKey.
pub async fn refresh(ask: Ask) -> Answer {
    let account = asked(&ask).await?;
    let overlap =
        ask.form.get("overlap").and_then(|text| text.trim().parse().ok()).map_or(Seconds(-1), Seconds);
    match accounts::refresh(&ask.signet, seen(&ask, &account), overlap, &ask.origin()).await {
        Ok(key) => keys(&ask, key).await,
        Err(error) => one(&ask, Some(alert(&ask, error)?)).await,
    }
}

/// POST `…/delete`.
pub async fn delete(ask: Ask) -> Answer {
    let account = asked(&ask).await?;
    match accounts::delete(&ask.signet, seen(&ask, &account), &ask.origin()).await {
        Ok(_) => Ok(back(&ask, "", Notice::Removed)),
        Err(error) => one(&ask, Some(alert(&ask, error)?)).await,
    }
}

fn back(ask: &Ask, to: &str, notice: Notice) -> axum::response::Response {
    let app = ask.part("app");
    let path = Tab::Callers.path();
    respond::see_other(&format!("/console/applications/{app}{path}{to}?done={}", notice.as_str()))
}

/// The account that the path names, if it is one of the application that the path names: the role was asked for that one.
async fn asked(ask: &Ask) -> Result<AccountView, Failure> {
    let id = AccountId::parse(ask.part("account")).ok_or_else(missing)?;
    let account = accounts::one(&ask.signet, id).await.map_err(failure)?;
    Some(account).filter(|account| Some(account.application) == ask.app_id()).ok_or_else(missing)
}

/// The account as whoever sent the form has seen it.
fn seen(ask: &Ask, account: &AccountView) -> Which {
    let version = ask.form.get("version").and_then(|text| text.parse().ok());
    Which { id: account.id, version: Some(version.unwrap_or(account.version)) }
}

/// What is no number is out of range.
fn lifetime(ask: &Ask) -> Seconds {
    let typed = ask.form.get("token_lifetime").unwrap_or_default();
    typed.trim().parse().map_or(Seconds(0), Seconds)
}

fn remarks(ask: &Ask) -> String {
    ask.form.get("remarks").unwrap_or_default().trim().to_owned()
}

fn failure(error: AccountError) -> Failure {
    match error {
        AccountError::Store(error) => error.into(),
        AccountError::Forbidden(_) => Problem::Forbidden.into(),
        _ => missing(),
    }
}

/// What is told above the form.
fn alert(ask: &Ask, error: AccountError) -> Result<String, Failure> {
    let t: &'static CallerWords = ask.words();
    let text = match error {
        AccountError::Lifetime => t.bad_lifetime,
        AccountError::Overlap => t.bad_overlap,
        AccountError::Remarks(_) => t.bad_remarks,
        AccountError::Changed => t.changed,
        other => return Err(failure(other)),
    };
    Ok(text.to_owned())
}
