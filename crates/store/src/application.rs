//! Applications, read through memory.

use std::sync::Arc;

use serde::Deserialize;
use signet_protocol::{
    application::{Application, ApplicationType},
    id::{AppId, PoolId},
    issuer::Identifier,
    jose::KeyAlg,
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
    text: "SELECT app_id, identifier, name, enabled, settings FROM application WHERE pool_id = $1",
};
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

const OLD_SECRETS: Sql = Sql {
    name: "application_old_secrets",
    text: "SELECT app_id, COALESCE(secret_set_at, created_at) FROM application
           WHERE pool_id = $1 AND enabled AND secret_sealed IS NOT NULL
             AND COALESCE(secret_set_at, created_at) <= $2",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&HOLD, &LOAD, &LIST, &NAMES, &FIND, &HAS_ORIGIN, &USES_ALG, &OLD_SECRETS];

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
}

/// The settings that a list shows: the others need not be read.
#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "type")]
    kind: ApplicationType,
    #[serde(default)]
    logo_uri: Option<String>,
    #[serde(default)]
    sso: bool,
}

impl Store {
    /// Every application of the pool by name, as lists show them. Kept until one changes.
    pub async fn application_names(&self) -> Result<Arc<Vec<ApplicationName>>, StoreError> {
        let key = self.pool_id();
        let ticket = match self.0.application_names.get(&key) {
            Ok(names) => return Ok(names),
            Err(ticket) => ticket,
        };
        let mut names = self.engine().list(&NAMES, args![key], read_name).await?;
        names.sort_by_cached_key(|one| (one.name.to_lowercase(), one.id));
        Ok(self.0.application_names.put(ticket, key, names))
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

    /// The enabled applications whose secret is of `until` or older, with when it was set.
    pub async fn old_secrets(&self, until: Timestamp) -> Result<Vec<(AppId, Timestamp)>, StoreError> {
        let read = |row: &mut RowReader| Ok((row.parsed(AppId::parse)?, row.at()?));
        self.engine().list(&OLD_SECRETS, args![self.pool_id(), until], read).await
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
    let Shown { kind, logo_uri, sso } = row.json()?;
    Ok(ApplicationName { id, identifier, name, enabled, kind, logo_uri, sso })
}

/// Where the secret of an application is sealed.
pub(crate) fn secret_place(row: &str) -> Place<'_> {
    Place { table: "application", column: "secret_sealed", row }
}
