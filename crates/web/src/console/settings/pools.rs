//! `/console/settings/pools`: the user pools of the installation. They are there in the default pool alone.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    issuer::{Identifier, Site},
    operator::Permission,
};

use super::{
    frame::{SettingsWords, Tab, TabLink, tabs},
    user_pool_words::UserPoolWords,
};
use crate::{
    console::{Answer, Ask, Section, missing, shell::Shell, words::Words},
    error::Failure,
    manage::{
        pools::{self, DEFAULT, Flaw, PoolError, Wanted},
        setup::SetupLink,
    },
    pools::address,
};

#[derive(Template)]
#[template(path = "console/settings/pools.html")]
struct PoolsPage<'a> {
    shell: Shell,
    tabs: Vec<TabLink>,
    rows: Vec<Row>,
    form: &'a signet_protocol::params::RawParams,
    flaw: Option<Flaw>,
    may_write: bool,
    base_host: String,
}

struct Row {
    id: String,
    name: String,
    identifier: String,
    address: String,
    first: bool,
}

impl PoolsPage<'_> {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }

    fn p(&self) -> &'static UserPoolWords {
        UserPoolWords::of(self.shell.lang)
    }

    fn value(&self, key: &str) -> &str {
        self.form.get(key).unwrap_or_default()
    }

    fn problem(&self, key: &str) -> Option<&'static str> {
        self.flaw.filter(|flaw| flaw.field() == key).map(|flaw| self.p().flaw(flaw))
    }
}

/// The link that sets up the console of a pool, shown once.
#[derive(Template)]
#[template(path = "console/settings/pool_link.html")]
struct LinkPage {
    shell: Shell,
    tabs: Vec<TabLink>,
    name: String,
    link: String,
    made: bool,
}

impl LinkPage {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }

    fn p(&self) -> &'static UserPoolWords {
        UserPoolWords::of(self.shell.lang)
    }
}

/// GET `/console/settings/pools`.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None).await
}

async fn page(ask: &Ask, flaw: Option<Flaw>) -> Answer {
    let row = |pool: signet_store::StoredPool| Row {
        id: pool.id.to_string(),
        identifier: pool.identifier.as_ref().map_or(DEFAULT, Identifier::as_str).to_owned(),
        address: address(&ask.signet, &pool).origin(&Site::Pool),
        first: pool.base_url.is_none(),
        name: pool.name,
    };
    let rows = pools::list(&ask.signet).await.map_err(failure)?.into_iter().map(row).collect();
    let origin = ask.signet.settings().base_url.origin(&Site::Pool);
    let page = PoolsPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Pools),
        rows,
        form: &ask.form,
        flaw,
        may_write: ask.may(Permission::PoolsWrite),
        base_host: origin.split_once("://").map_or("", |(_, host)| host).to_owned(),
    };
    ask.page(if flaw.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// POST `/console/settings/pools`: makes a pool, and shows the link that sets up its console.
pub async fn create(ask: Ask) -> Answer {
    let text = |key: &str| ask.form.get(key).unwrap_or_default();
    let wanted = Wanted {
        identifier: text("identifier"),
        name: text("name"),
        base_url: Some(text("base_url")).filter(|url| !url.trim().is_empty()),
    };
    match pools::create(&ask.signet, wanted, &ask.origin()).await {
        Ok(made) => link_page(&ask, &made.pool.name, made.link.as_ref(), true),
        Err(PoolError::Refused(flaw)) => page(&ask, Some(flaw)).await,
        Err(error) => Err(failure(error)),
    }
}

/// Shows a link. It is told here and nowhere else.
pub fn link_page(ask: &Ask, name: &str, link: Option<&SetupLink>, made: bool) -> Answer {
    let page = LinkPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Pools),
        name: name.to_owned(),
        link: link.map(|link| link.url().to_owned()).unwrap_or_default(),
        made,
    };
    ask.page(StatusCode::OK, &page)
}

/// In another pool than the default one there is no such page.
pub fn failure(error: PoolError) -> Failure {
    match error {
        PoolError::Store(error) => error.into(),
        _ => missing(),
    }
}
