//! `/console/settings/pools/{pool}`: one user pool: what it is called, where it lives, and that it goes.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    id::PoolId,
    issuer::{Identifier, Site},
    operator::Permission,
};
use signet_store::{PoolContents, StoredPool};

use super::{
    frame::{SettingsWords, Tab, TabLink, tabs},
    pools::{failure, link_page},
    user_pool_words::UserPoolWords,
};
use crate::{
    console::{
        Answer, Ask, Section, missing, moment,
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    error::Failure,
    manage::pools::{self, DEFAULT, Flaw, PoolError},
    pools::address,
    respond,
};

#[derive(Template)]
#[template(path = "console/settings/user_pool.html")]
struct PoolPage<'a> {
    shell: Shell,
    tabs: Vec<TabLink>,
    form: &'a signet_protocol::params::RawParams,
    pool: StoredPool,
    identifier: String,
    address: String,
    created: String,
    contents: PoolContents,
    first: bool,
    flaw: Option<Flaw>,
    alert: Option<&'static str>,
    may_write: bool,
}

impl PoolPage<'_> {
    fn t(&self) -> &'static SettingsWords {
        SettingsWords::of(self.shell.lang)
    }

    fn p(&self) -> &'static UserPoolWords {
        UserPoolWords::of(self.shell.lang)
    }

    fn value<'a>(&'a self, key: &str, stored: &'a str) -> &'a str {
        self.form.get(key).filter(|_| self.flaw.is_some()).unwrap_or(stored)
    }

    fn problem(&self, key: &str) -> Option<&'static str> {
        self.flaw.filter(|flaw| flaw.field() == key).map(|flaw| self.p().flaw(flaw))
    }

    fn lost(&self) -> Vec<String> {
        let PoolContents { applications, users, accounts, administrators } = self.contents;
        let p = self.p();
        let counted = [
            (p.lost_applications, applications),
            (p.lost_users, users),
            (p.lost_accounts, accounts),
            (p.lost_administrators, administrators),
        ];
        let counted = counted.into_iter().filter(|(_, number)| *number > 0);
        counted.map(|(text, number)| fill(text, number)).chain([p.lost_keys.to_owned()]).collect()
    }

    fn confirm(&self) -> String {
        fill(self.p().delete_confirm, &self.pool.name)
    }
}

/// What is told beside the form.
#[derive(Default)]
struct Told {
    flaw: Option<Flaw>,
    alert: Option<&'static str>,
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, Told::default()).await
}

async fn page(ask: &Ask, told: Told) -> Answer {
    let pool = stored(ask).await?;
    let registry = pools::registry(&ask.signet).map_err(failure)?;
    let page = PoolPage {
        shell: ask.shell(Section::Settings),
        tabs: tabs(ask, Tab::Pools),
        form: &ask.form,
        identifier: pool.identifier.as_ref().map_or(DEFAULT, Identifier::as_str).to_owned(),
        address: address(&ask.signet, &pool).origin(&Site::Pool),
        created: moment(pool.created_at),
        contents: registry.contents(pool.id).await?,
        first: pool.id == registry.default_pool(),
        pool,
        flaw: told.flaw,
        alert: told.alert,
        may_write: ask.may(Permission::PoolsWrite),
    };
    let bad = page.flaw.is_some() || page.alert.is_some();
    ask.page(if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// POST of the page: another name or address.
pub async fn save(ask: Ask) -> Answer {
    let from = StoredPool { version: seen(&ask)?, ..stored(&ask).await? };
    let wanted = (ask.form.get("name"), ask.form.get("base_url"));
    match pools::change(&ask.signet, &from, wanted, &ask.origin()).await {
        Ok(_) => Ok(respond::see_other(&format!(
            "{}/{}?done={}",
            Tab::Pools.path(),
            from.id,
            Notice::Saved.as_str()
        ))),
        Err(error) => refused(&ask, error).await,
    }
}

/// POST `…/link`: another link that sets up its console.
pub async fn link(ask: Ask) -> Answer {
    let pool = stored(&ask).await?;
    match pools::setup_link(&ask.signet, &pool, &ask.origin()).await {
        Ok(link) => link_page(&ask, &pool.name, Some(&link), false),
        Err(error) => refused(&ask, error).await,
    }
}

/// POST `…/delete`.
pub async fn delete(ask: Ask) -> Answer {
    let pool = StoredPool { version: seen(&ask)?, ..stored(&ask).await? };
    if ask.form.get("confirm").map(str::trim) != Some(pool.name.as_str()) {
        let alert = Some(ask.words::<UserPoolWords>().delete_mistyped);
        return page(&ask, Told { alert, ..Told::default() }).await;
    }
    match pools::remove(&ask.signet, &pool, &ask.origin()).await {
        Ok(_) => Ok(respond::see_other(&format!("{}?done={}", Tab::Pools.path(), Notice::Removed.as_str()))),
        Err(error) => refused(&ask, error).await,
    }
}

async fn refused(ask: &Ask, error: PoolError) -> Answer {
    let p: &'static UserPoolWords = ask.words();
    let told = match error {
        PoolError::Refused(flaw) => Told { flaw: Some(flaw), alert: None },
        PoolError::Changed => Told { alert: Some(p.stale), ..Told::default() },
        PoolError::Owned => Told { alert: Some(p.link_owned), ..Told::default() },
        error => return Err(failure(error)),
    };
    page(ask, told).await
}

/// The pool of the path.
async fn stored(ask: &Ask) -> Result<StoredPool, Failure> {
    let id = PoolId::parse(ask.part("pool")).ok_or_else(missing)?;
    let all = pools::list(&ask.signet).await.map_err(failure)?;
    all.into_iter().find(|pool| pool.id == id).ok_or_else(missing)
}

/// The version that the page was shown with.
fn seen(ask: &Ask) -> Result<i64, Failure> {
    ask.form.get("version").and_then(|text| text.parse().ok()).ok_or_else(missing)
}
