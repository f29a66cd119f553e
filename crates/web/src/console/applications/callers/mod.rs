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
    id::AccountId,
    operator::Permission,
    params::encode_pairs,
    resource::{Part, Resource, ResourceCode},
};

use self::{accounts::AccountRow, rules::RuleRow, tester::Test, words::CallerWords};
use super::frame::{Frame, Tab};
use crate::{
    console::{
        Answer, Ask, Section,
        shell::Shell,
        words::{Words, together},
    },
    error::Failure,
    manage::edit::FieldProblem,
};

/// Accounts, resources and rules of a page.
const PAGE: usize = 50;

/// Where the other pages of one of the lists are.
struct Pager {
    first: Option<String>,
    next: Option<String>,
}

impl Pager {
    /// Of the list of this name, which is also its place in the page; whether this is not its first page, and its last entry if
    /// more follow.
    fn of(action: &str, (list, further): (&str, bool), end: Option<String>) -> Pager {
        let next = |end: String| {
            let query = encode_pairs([(list, end.as_str())].into_iter());
            format!("{action}?{query}#{list}")
        };
        Pager { first: further.then(|| format!("{action}#{list}")), next: end.map(next) }
    }
}

/// Leaves as many as fit a page, and gives the last of them if there were more.
fn cut<T>(list: &mut Vec<T>) -> Option<&T> {
    let more = list.len() > PAGE;
    list.truncate(PAGE);
    list.last().filter(|_| more)
}

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
    accounts_pager: Pager,
    resources_pager: Pager,
    rules_pager: Pager,
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
    let asked = |name| ask.query.get(name).unwrap_or_default();
    let behind = AccountId::parse(asked("accounts"));
    let mut accounts = accounts::rows(ask, &frame.application, behind, PAGE + 1).await?;
    let end = cut(&mut accounts).map(|last| last.id.to_string());
    let accounts_pager = Pager::of(&action, ("accounts", behind.is_some()), end);
    let behind = ResourceCode::parse(asked("resources")).ok();
    let behind = behind.as_ref().map(ResourceCode::as_str);
    let mut resources = ask.signet.store().resource_page(Some(id), behind, PAGE + 1).await?;
    let end = cut(&mut resources).map(|last| last.code.as_str().to_owned());
    let resources_pager = Pager::of(&action, ("resources", behind.is_some()), end);
    let behind = rules::parse_place(asked("rules"));
    let (some, end) = rules::page_of(&ask.signet, id, behind, PAGE).await?;
    let rules_pager = Pager::of(&action, ("rules", behind.is_some()), end.map(rules::name_of));
    let mut rows = Vec::new();
    for rule in &some {
        rows.push(rules::row(ask, rule).await?);
    }
    let status = if alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let typed = |name: &str| ask.form.get(name).map(str::to_owned);
    let page = CallersPage {
        shell: ask.shell(Section::Applications),
        grant_off: !frame.application.settings.grant_types.contains(&GrantType::ClientCredentials),
        may_create: frame.may_write && ask.may(Permission::SecretsRead),
        lifetime: typed("token_lifetime").unwrap_or_else(|| TOKEN_LIFETIME.0.to_string()),
        remarks: typed("remarks").unwrap_or_default(),
        alert,
        resources: resources.iter().map(resource_row).collect(),
        accounts_pager,
        resources_pager,
        rules_pager,
        rules: rows,
        test: tester::test(ask, id).await?,
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
