//! Applications, read through memory.

use std::{collections::HashMap, sync::Arc};

use serde::Deserialize;
use signet_protocol::{
    application::{Application, ApplicationType, GrantType, ResponseType},
    id::{AppId, PoolId},
    issuer::Identifier,
    jose::KeyAlg,
    redirect_uri::RedirectUri,
    time::Timestamp,
};

use crate::{
    Store, StoreError, args,
    sealing::Place,
    sql::{Batch, RowReader, Sql},
};

const LOAD: Sql = Sql {
    name: "application_load",
    text: "SELECT app_id, pool_id, identifier, name, enabled, secret_sealed, settings, version
           FROM application WHERE app_id = $1 AND pool_id = $2",
};
const LIST: Sql = Sql {
    name: "application_list",
    text: "SELECT app_id, pool_id, identifier, name, enabled, secret_sealed, settings, version
           FROM application WHERE pool_id = $1",
};
const NAMES: Sql = Sql {
    name: "application_names",
    text: "SELECT app_id, identifier, name, enabled, settings, version,
               CASE WHEN secret_sealed IS NOT NULL THEN COALESCE(secret_set_at, created_at) END
           FROM application WHERE pool_id = $1",
};
const NAME: Sql = Sql {
    name: "application_name",
    text: "SELECT app_id, identifier, name, enabled, settings, version,
               CASE WHEN secret_sealed IS NOT NULL THEN COALESCE(secret_set_at, created_at) END
           FROM application WHERE app_id = $1 AND pool_id = $2",
};
const VERSIONS: Sql =
    Sql { name: "application_versions", text: "SELECT app_id, version FROM application WHERE pool_id = $1" };
const FIND: Sql = Sql {
    name: "application_find",
    text: "SELECT app_id FROM application WHERE pool_id = $1 AND identifier = $2",
};
const HAS_ORIGIN: Sql = Sql {
    name: "application_has_origin",
    text: "SELECT EXISTS (SELECT 1 FROM application_origin WHERE pool_id = $1 AND origin = $2)",
};
const USES_ALG: Sql = Sql {
    name: "application_uses_alg",
    text: "SELECT EXISTS (
               SELECT 1 FROM application
               WHERE pool_id = $1 AND (id_token_alg = $2 OR access_token_alg = $2 OR userinfo_alg = $2))",
};

const HOLD: Sql =
    Sql { name: "application_hold", text: "SELECT 1 FROM application WHERE app_id = $1 AND pool_id = $2" };

pub(crate) const STATEMENTS: &[&Sql] =
    &[&HOLD, &LOAD, &LIST, &NAMES, &NAME, &VERSIONS, &FIND, &HAS_ORIGIN, &USES_ALG];

/// What a list shows of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationName {
    /// Its App ID.
    pub id: AppId,
    /// The label of its authentication address.
    pub identifier: Identifier,
    /// What it is called.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// What it is.
    pub kind: ApplicationType,
    /// Its logo.
    pub logo_uri: Option<String>,
    /// Whether it shares the pool's login.
    pub sso: bool,
    /// Its callback links.
    pub redirect_uris: Vec<RedirectUri>,
    /// Its ticked authorization modes.
    pub grant_types: Vec<GrantType>,
    /// Its ticked return types.
    pub response_types: Vec<ResponseType>,
    /// Counts its changes.
    pub version: i64,
    /// When its secret was set, if it has one.
    pub secret_since: Option<Timestamp>,
}

/// Applications that are read one by one when they have changed; when there are more, all are read.
const ONE_BY_ONE: usize = 100;

/// The settings that a list shows: the others need not be read.
#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: ApplicationType,
    #[serde(default)]
    logo_uri: Option<String>,
    #[serde(default)]
    sso: bool,
    #[serde(default)]
    redirect_uris: Vec<RedirectUri>,
    #[serde(default)]
    grant_types: Vec<GrantType>,
    #[serde(default)]
    response_types: Vec<ResponseType>,
}

impl Store {
    /// Every application of the pool by name, as lists show them. Kept until one changes; then only what changed is read again.
    pub async fn application_names(&self) -> Result<Arc<Vec<Arc<ApplicationName>>>, StoreError> {
        let key = self.pool_id();
        let ticket = match self.0.application_names.get(&key) {
            Ok(names) => return Ok(names),
            Err(ticket) => ticket,
        };
        let renewed = match self.0.last_names.get(&key) {
            Ok(last) => self.renewed_names(&last).await?,
            Err(_) => None,
        };
        let mut names = match renewed {
            Some(names) => names,
            None => self.engine().list(&NAMES, args![key], |row| read_name(row).map(Arc::new)).await?,
        };
        names.sort_by_cached_key(|one| (one.name.to_lowercase(), one.id));
        self.0.last_names.remove(&key);
        if let Err(ticket) = self.0.last_names.get(&key) {
            self.0.last_names.put(ticket, key, names.clone());
        }
        Ok(self.0.application_names.put(ticket, key, names))
    }

    /// The list as it is now, of those of `last` that are as they were, and the others read again; `None` if these are many.
    async fn renewed_names(
        &self,
        last: &[Arc<ApplicationName>],
    ) -> Result<Option<Vec<Arc<ApplicationName>>>, StoreError> {
        let known: HashMap<AppId, &Arc<ApplicationName>> = last.iter().map(|one| (one.id, one)).collect();
        let read = |row: &mut RowReader| Ok((row.parsed(AppId::parse)?, row.int()?));
        let versions: Vec<(AppId, i64)> = self.engine().list(&VERSIONS, args![self.pool_id()], read).await?;
        let (mut names, mut changed) = (Vec::with_capacity(versions.len()), Vec::new());
        for (id, version) in versions {
            match known.get(&id).filter(|one| one.version == version) {
                Some(one) => names.push(Arc::clone(one)),
                None => changed.push(id),
            }
        }
        if changed.len() > ONE_BY_ONE {
            return Ok(None);
        }
        for id in changed {
            // One that went meanwhile is in no list.
            names
                .extend(self.engine().find(&NAME, args![id, self.pool_id()], read_name).await?.map(Arc::new));
        }
        Ok(Some(names))
    }

    /// The application with this App ID, enabled or not.
    pub async fn application(&self, id: AppId) -> Result<Option<Arc<Application>>, StoreError> {
        let ticket = match self.0.applications.get(&id) {
            Ok(application) => return Ok(Some(application)),
            Err(ticket) => ticket,
        };
        let found =
            self.engine().find(&LOAD, args![id, self.pool_id()], |row| self.read_application(row)).await?;
        Ok(found.map(|application| self.0.applications.put(ticket, id, application)))
    }

    /// The application whose authentication address has this label.
    pub async fn application_by_identifier(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<Arc<Application>>, StoreError> {
        let id = match self.0.identifiers.get(identifier) {
            Ok(id) => Some(*id),
            Err(ticket) => {
                let key = args![self.pool_id(), identifier.as_str()];
                let found = self.engine().find(&FIND, key, |row| row.parsed(AppId::parse)).await?;
                found.map(|id| *self.0.identifiers.put(ticket, identifier.clone(), id))
            }
        };
        match id {
            Some(id) => self.application(id).await,
            None => Ok(None),
        }
    }

    /// Every application of the pool, by name. Sorted here, because databases do not agree how to.
    pub async fn applications(&self) -> Result<Vec<Arc<Application>>, StoreError> {
        let mut all = self
            .engine()
            .list(&LIST, args![self.pool_id()], |row| self.read_application(row).map(Arc::new))
            .await?;
        all.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(all)
    }

    /// Whether scripts of `origin` may read the answers of any application of the pool.
    pub async fn origin_registered(&self, origin: &str) -> Result<bool, StoreError> {
        let ticket = match self.0.origins.get(&origin.to_owned()) {
            Ok(_) => return Ok(true),
            Err(ticket) => ticket,
        };
        let found = self.engine().find(&HAS_ORIGIN, args![self.pool_id(), origin], RowReader::bool).await?;
        let found = found.unwrap_or(false);
        // Origins nobody registered are not kept: anybody could fill the memory with them.
        if found {
            self.0.origins.put(ticket, origin.to_owned(), ());
        }
        Ok(found)
    }

    /// Whether what any application gets is signed with `alg`, so that the pool's issuer must publish a key for
    /// it.
    pub async fn any_application_uses(&self, alg: KeyAlg) -> Result<bool, StoreError> {
        let ticket = match self.0.used_algs.get(&alg) {
            Ok(used) => return Ok(*used),
            Err(ticket) => ticket,
        };
        let found =
            self.engine().find(&USES_ALG, args![self.pool_id(), alg.as_str()], RowReader::bool).await?;
        Ok(*self.0.used_algs.put(ticket, alg, found.unwrap_or(false)))
    }

    /// Adds that the application exists, so that nothing of an application that goes is left behind.
    pub(crate) fn hold_application(&self, batch: Batch, id: AppId) -> Batch {
        batch.hold(&HOLD, args![id, self.pool_id()])
    }

    fn read_application(&self, row: &mut RowReader) -> Result<Application, StoreError> {
        let (id, pool) = (row.parsed(AppId::parse)?, row.parsed(PoolId::parse)?);
        let (identifier, name) = (row.parsed(|text| Identifier::parse(text).ok())?, row.text()?);
        let (enabled, sealed) = (row.bool()?, row.opt_bytes()?);
        let open = |sealed: Vec<u8>| self.0.master_key.open(&secret_place(&id.to_string()), &sealed);
        Ok(Application {
            id,
            pool,
            identifier,
            name,
            enabled,
            secret: sealed.map(open).transpose()?,
            settings: row.json()?,
            version: row.int()?,
        })
    }
}

fn read_name(row: &mut RowReader) -> Result<ApplicationName, StoreError> {
    let id = row.parsed(AppId::parse)?;
    let (identifier, name) = (row.parsed(|text| Identifier::parse(text).ok())?, row.text()?);
    let enabled = row.bool()?;
    let Shown { kind, logo_uri, sso, redirect_uris, grant_types, response_types } = row.json()?;
    let (version, secret_since) = (row.int()?, row.opt_at()?);
    Ok(ApplicationName {
        id,
        identifier,
        name,
        enabled,
        kind,
        logo_uri,
        sso,
        redirect_uris,
        grant_types,
        response_types,
        version,
        secret_since,
    })
}

/// Where the secret of an application is sealed.
pub(crate) fn secret_place(row: &str) -> Place<'_> {
    Place { table: "application", column: "secret_sealed", row }
}
