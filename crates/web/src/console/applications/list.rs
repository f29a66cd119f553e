//! `/console/applications`: the list, with search and pages.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    issuer::{Issuer, IssuerId, Site},
    operator::Permission,
};
use signet_store::ApplicationName;

use super::words::AppWords;
use crate::console::{
    Answer, Ask, Section,
    shell::Shell,
    words::{Words, fill},
};

/// Applications on one page.
const PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "console/applications/list.html")]
struct ListPage<'a> {
    shell: Shell,
    rows: Vec<Row>,
    search: &'a str,
    total: usize,
    may_create: bool,
    previous: Option<String>,
    next: Option<String>,
}

struct Row {
    one: Arc<ApplicationName>,
    address: String,
}

impl ListPage<'_> {
    fn t(&self) -> &'static AppWords {
        AppWords::of(self.shell.lang)
    }

    fn none_found(&self) -> String {
        fill(self.t().none_found, self.search)
    }

    fn count(&self) -> String {
        fill(self.t().shown, self.total)
    }
}

/// GET `/console/applications`.
pub async fn show(ask: Ask) -> Answer {
    let names = ask.signet.store().application_names().await?;
    let search = ask.query.get("q").unwrap_or_default().trim();
    let wanted = search.to_lowercase();
    let found: Vec<&Arc<ApplicationName>> =
        names.iter().filter(|one| ask.operator.administrator().sees(one.id) && fits(one, &wanted)).collect();
    // A page beyond the last, which a list that became shorter leaves, shows the last.
    let last = found.len().saturating_sub(1) / PER_PAGE;
    let page = ask.query.get("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0).min(last);
    let link = |page: usize| {
        let query = signet_protocol::params::encode_pairs(
            [("q", search), ("page", &page.to_string())].into_iter().filter(|(_, value)| !value.is_empty()),
        );
        format!("/console/applications?{query}")
    };
    let rows = found.iter().skip(page * PER_PAGE).take(PER_PAGE);
    let rows = rows.map(|one| Row { address: address(&ask, one), one: Arc::clone(one) }).collect();
    let page = ListPage {
        shell: ask.shell(Section::Applications),
        rows,
        search,
        total: found.len(),
        may_create: ask.may(Permission::ApplicationsCreate),
        previous: page.checked_sub(1).map(link),
        next: (page < last).then(|| link(page + 1)),
    };
    ask.page(StatusCode::OK, &page)
}

fn fits(one: &ApplicationName, wanted: &str) -> bool {
    wanted.is_empty()
        || one.name.to_lowercase().contains(wanted)
        || one.identifier.as_str().contains(wanted)
        || one.id.to_string() == wanted
}

fn address(ask: &Ask, one: &ApplicationName) -> String {
    let (base, pool) = (&ask.signet.settings().base_url, ask.signet.store().pool().id);
    let issuer =
        Issuer::at(base, &Site::Application(one.identifier.clone()), pool, IssuerId::Application(one.id));
    issuer.url().trim_end_matches("/oidc").split_once("://").map_or("", |(_, host)| host).to_owned()
}
