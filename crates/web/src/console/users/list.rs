//! `/console/users`: the list, with search, filters and pages.

use askama::Template;
use http::StatusCode;
use signet_protocol::{limits::USERS_PER_PAGE, operator::Permission};
use signet_store::Listed;

use super::words::UserWords;
use crate::{
    console::{
        Answer, Ask, Section, moment,
        paging::{self, Pager},
        shell::Shell,
        words::Words,
    },
    manage::users::list::{Cursor, Filter, list},
};

#[derive(Template)]
#[template(path = "console/users/list.html")]
struct ListPage<'a> {
    shell: Shell,
    rows: Vec<Row>,
    filter: &'a Filter,
    may_write: bool,
    pager: Pager,
}

struct Row {
    id: String,
    name: String,
    username: String,
    email: String,
    phone: String,
    blocked: bool,
    email_verified: bool,
    phone_verified: bool,
    created: String,
}

impl ListPage<'_> {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }

    fn is_narrowed(&self) -> bool {
        *self.filter != Filter::default()
    }

    fn role(&self) -> &str {
        self.filter.role.as_deref().unwrap_or_default()
    }

    fn group(&self) -> &str {
        self.filter.group.as_deref().unwrap_or_default()
    }

    fn state(&self) -> &'static str {
        state(self.filter.blocked)
    }
}

fn state(blocked: Option<bool>) -> &'static str {
    match blocked {
        Some(true) => "blocked",
        Some(false) => "active",
        None => "",
    }
}

/// GET `/console/users`.
pub async fn show(ask: Ask) -> Answer {
    let text = |name| ask.query.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let filter = Filter {
        text: text("q").unwrap_or_default(),
        role: text("role"),
        group: text("group"),
        blocked: match ask.query.get("state") {
            Some("blocked") => Some(true),
            Some("active") => Some(false),
            _ => None,
        },
    };
    let turn = paging::turn(&ask, paging::USUAL, Cursor::parse);
    let found = list(&ask.signet, &filter, turn, USERS_PER_PAGE).await?;
    let keep = [
        ("q", filter.text.as_str()),
        ("state", state(filter.blocked)),
        ("role", filter.role.as_deref().unwrap_or_default()),
        ("group", filter.group.as_deref().unwrap_or_default()),
    ];
    let page = ListPage {
        shell: ask.shell(Section::Users),
        rows: found.rows.iter().map(row).collect(),
        may_write: ask.may(Permission::UsersWrite),
        pager: Pager::of(&ask, &found, ("/console/users", paging::USUAL), &keep, Cursor::encode),
        filter: &filter,
    };
    ask.page(StatusCode::OK, &page)
}

fn row(listed: &Listed) -> Row {
    let user = &listed.user;
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    Row {
        id: user.id.to_string(),
        name: user.display_name().to_owned(),
        username: some(&user.username),
        email: some(&user.email),
        phone: some(&user.phone),
        blocked: user.blocked,
        email_verified: user.details.email_verified,
        phone_verified: user.details.phone_verified,
        created: moment(listed.created_at),
    }
}
