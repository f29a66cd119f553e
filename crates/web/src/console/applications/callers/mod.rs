//! The page of machine callers: accounts, resources, rules, and a tester of them.

pub mod accounts;
pub mod resources;
pub mod rules;
mod tester;
pub mod words;

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    account::TOKEN_LIFETIME,
    application::GrantType,
    operator::Permission,
    resource::{Part, Resource},
};

use self::{accounts::AccountRow, rules::RuleRow, tester::Test, words::CallerWords};
use super::frame::{Frame, Tab};
use crate::{
    console::{
        Answer, Ask, Section,
        shell::Shell,
        words::{Words, fill, together},
    },
    error::Failure,
    manage::edit::FieldProblem,
};

/// Rules of a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "console/callers/callers.html")]
struct CallersPage {
    shell: Shell,
    frame: Frame,
    action: String,
    alert: Option<String>,
    accounts: Vec<AccountRow>,
    grant_off: bool,
    may_create: bool,
    lifetime: String,
    remarks: String,
    resources: Vec<ResourceRow>,
    rules: Vec<RuleRow>,
    /// Which rules of how many are shown, and where the others are.
    range: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    test: Test,
}

struct ResourceRow {
    code: String,
    name: String,
    kind: &'static str,
    description: String,
    actions: Vec<(String, String)>,
    api: String,
}

impl CallersPage {
    fn t(&self) -> &'static CallerWords {
        CallerWords::of(self.shell.lang)
    }
}

/// The address of the page.
fn home(frame: &Frame) -> String {
    format!("/console/applications/{}{}", frame.application.id, Tab::Callers.path())
}

/// GET `/console/applications/{app}/callers`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, alert: Option<String>) -> Answer {
    let frame = Frame::of(ask, Tab::Callers).await?;
    let id = frame.application.id;
    let action = home(&frame);
    let accounts = accounts::rows(ask, id).await?;
    let resources = ask.signet.store().stored_resources(Some(id)).await?;
    let all = rules::sorted(&ask.signet, id).await?;
    let from = ask.query.get("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let from = if from < all.len() { from } else { 0 };
    let some = all.iter().skip(from).take(PAGE);
    let mut rows = Vec::new();
    for rule in some {
        rows.push(rules::row(ask, rule).await?);
    }
    let until = from + rows.len();
    let link = |from: usize| format!("{action}?from={from}#rules");
    let paged = all.len() > PAGE;
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let range = format!("{}–{until} / {}", from + 1, all.len());
    let t: &'static CallerWords = ask.words();
    let typed = |name: &str| ask.form.get(name).map(str::to_owned);
    let page = CallersPage {
        shell: ask.shell(Section::Applications),
        grant_off: !frame.application.settings.grant_types.contains(&GrantType::ClientCredentials),
        may_create: frame.may_write && ask.may(Permission::SecretsRead),
        lifetime: typed("token_lifetime").unwrap_or_else(|| TOKEN_LIFETIME.0.to_string()),
        remarks: typed("remarks").unwrap_or_default(),
        alert,
        resources: resources.iter().map(resource_row).collect(),
        range: paged.then(|| fill(t.shown, range)),
        previous: (from > 0).then(|| link(from.saturating_sub(PAGE))),
        next: (until < all.len()).then(|| link(until)),
        rules: rows,
        test: tester::test(ask, &accounts, id).await?,
        accounts,
        action,
        frame,
    };
    ask.page(status, &page)
}

fn resource_row(resource: &Resource) -> ResourceRow {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let actions = resource.actions.iter();
    let actions = actions.map(|action| (action.name.as_str().to_owned(), text(&action.description)));
    ResourceRow {
        code: resource.code.as_str().to_owned(),
        name: text(&resource.name),
        kind: resource.kind.as_str(),
        description: text(&resource.description),
        actions: actions.collect(),
        api: resource.api_identifier.as_ref().map(|api| api.as_str().to_owned()).unwrap_or_default(),
    }
}

/// What there is of a part, as it is written.
fn part<T: AsRef<str>>(part: &Part<T>) -> String {
    part.as_str().to_owned()
}

/// Several problems as one text.
fn told(ask: &Ask, problems: &[FieldProblem]) -> String {
    let told = together(problems.iter().map(|problem| &problem.message), ask.lang);
    format!("{} {told}", ask.words::<CallerWords>().problems)
}

/// The application that the path names.
async fn application(
    ask: &Ask,
) -> Result<std::sync::Arc<signet_protocol::application::Application>, Failure> {
    let id = ask.app_id().ok_or_else(crate::console::missing)?;
    ask.signet.store().application(id).await?.ok_or_else(crate::console::missing)
}
