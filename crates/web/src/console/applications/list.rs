//! `/console/applications`: the list, with search and pages.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    id::AppId,
    issuer::{Issuer, IssuerId, Site},
    jose,
    operator::Permission,
};
use signet_store::{ApplicationName, Leaf};

use super::words::AppWords;
use crate::console::{
    Answer, Ask, Section,
    paging::{self, Pager},
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
    pager: Pager,
}

/// By what the list is sorted.
type Key = (String, AppId);

fn key(one: &ApplicationName) -> Key {
    (one.name.to_lowercase(), one.id)
}

/// A key in an address: a place among the names, whether or not there is still an application at it.
fn written((name, id): &Key) -> String {
    jose::b64(&[id.bytes().as_slice(), name.as_bytes()].concat())
}

fn parse(text: &str) -> Option<Key> {
    let bytes = jose::unb64(text)?;
    let (id, name) = bytes.split_first_chunk::<12>()?;
    Some((String::from_utf8(name.to_vec()).ok()?, AppId::from_bytes(*id)))
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
    let total = found.len();
    let leaf =
        Leaf::among(found.into_iter(), paging::turn(&ask, paging::USUAL, parse), PER_PAGE, |one| key(one));
    let pager = Pager::of(&ask, &leaf, ("/console/applications", paging::USUAL), &[("q", search)], written);
    let rows = leaf.rows.into_iter();
    let rows = rows.map(|one| Row { address: address(&ask, one), one: Arc::clone(one) }).collect();
    let page = ListPage {
        shell: ask.shell(Section::Applications),
        rows,
        search,
        total,
        may_create: ask.may(Permission::ApplicationsCreate),
        pager,
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
