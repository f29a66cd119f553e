//! Who may use the console, and the link by which the first of them comes to it.

use std::collections::BTreeSet;

use signet_protocol::{
    id::{AppId, UserId},
    operator::{Administrator, Role},
    secret::SecretHash,
    time::{Now, Timestamp},
    user::User,
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    rows::json,
    sql::{Batch, RowReader, Sql},
};

const LOAD: Sql = Sql {
    name: "administrator_load",
    text: "SELECT user_id, role, applications, created_at, version FROM administrator
           WHERE pool_id = $1 AND user_id = $2",
};
const LIST: Sql = Sql {
    name: "administrator_list",
    text: "SELECT user_id, role, applications, created_at, version FROM administrator
           WHERE pool_id = $1 ORDER BY created_at, user_id",
};
const HAS_OWNER: Sql = Sql {
    name: "administrator_has_owner",
    text: "SELECT EXISTS (SELECT 1 FROM administrator WHERE pool_id = $1 AND role = 'owner')",
};
/// Who changes owners comes one after the other: two owners could otherwise each make the other one none.
const HOLD: Sql = Sql { name: "administrator_hold", text: "SELECT 1 FROM pool WHERE pool_id = $1" };
const INSERT: Sql = Sql {
    name: "administrator_insert",
    text: "INSERT INTO administrator (pool_id, user_id, role, applications, version, created_at)
           VALUES ($1, $2, $3, $4, 1, $5)",
};
const UPDATE: Sql = Sql {
    name: "administrator_update",
    text: "UPDATE administrator SET role = $3, applications = $4, version = version + 1
           WHERE pool_id = $1 AND user_id = $2 AND version = $5",
};
const DELETE: Sql = Sql {
    name: "administrator_delete",
    text: "DELETE FROM administrator WHERE pool_id = $1 AND user_id = $2 AND version = $3",
};
const OWNED: Sql = Sql {
    name: "administrator_owned",
    text: "SELECT 1 FROM pool p WHERE p.pool_id = $1
           AND EXISTS (SELECT 1 FROM administrator a WHERE a.pool_id = p.pool_id AND a.role = 'owner')",
};
const UNOWNED: Sql = Sql {
    name: "administrator_unowned",
    text: "SELECT 1 FROM pool p WHERE p.pool_id = $1
           AND NOT EXISTS (SELECT 1 FROM administrator a WHERE a.pool_id = p.pool_id AND a.role = 'owner')",
};
const OFFER: Sql = Sql {
    name: "setup_link_offer",
    text: "INSERT INTO setup_link (pool_id, hash, expires_at) VALUES ($1, $2, $3)
           ON CONFLICT (pool_id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at",
};
const OFFERED: Sql = Sql {
    name: "setup_link_offered",
    text: "SELECT EXISTS (SELECT 1 FROM setup_link WHERE pool_id = $1 AND hash = $2 AND expires_at > $3)",
};
const SPEND: Sql = Sql {
    name: "setup_link_spend",
    text: "DELETE FROM setup_link WHERE pool_id = $1 AND hash = $2 AND expires_at > $3",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&LOAD, &LIST, &HAS_OWNER, &HOLD, &INSERT, &UPDATE, &DELETE, &OWNED, &UNOWNED, &OFFER, &OFFERED, &SPEND];

/// What happens to the role of a user.
#[derive(Clone, Debug)]
pub enum RoleChange {
    /// They get one.
    Give(Administrator),
    /// They get another than they had at this version.
    Change(Administrator),
    /// They have none any more.
    Take(Administrator),
}

impl Store {
    /// The role of a user, as the database has it now.
    pub async fn administrator(&self, user: UserId) -> Result<Option<Administrator>, StoreError> {
        self.engine().find(&LOAD, args![self.pool_id(), user], read).await
    }

    /// Everybody who has a role, in the order they got it.
    pub async fn administrators(&self) -> Result<Vec<Administrator>, StoreError> {
        self.engine().list(&LIST, args![self.pool_id()], read).await
    }

    /// Whether somebody owns the pool. Until then a set-up link does.
    pub async fn has_owner(&self) -> Result<bool, StoreError> {
        let found = self.engine().find(&HAS_OWNER, args![self.pool_id()], RowReader::bool).await?;
        Ok(found.unwrap_or(false))
    }

    /// Changes a role, and writes the records of `act` with it. `false`, and nothing done, when it was changed meanwhile, or
    /// nobody would own the pool.
    pub async fn change_role(&self, change: &RoleChange, act: impl Into<Act>) -> Result<bool, StoreError> {
        let act = act.into();
        let batch = self.add_role(self.hold_owners(Batch::new()), change, act.now)?;
        self.write(self.record(batch.hold(&OWNED, args![self.pool_id()]), &act)).await
    }

    /// A batch that stands only while nobody owns the pool.
    fn while_unowned(&self) -> Batch {
        self.hold_owners(Batch::new()).hold(&UNOWNED, args![self.pool_id()])
    }

    /// Adds that nobody else changes who owns the pool before the batch ends.
    pub(crate) fn hold_owners(&self, batch: Batch) -> Batch {
        batch.hold(&HOLD, args![self.pool_id()])
    }

    fn add_role(&self, batch: Batch, change: &RoleChange, now: Now) -> Result<Batch, StoreError> {
        let pool = self.pool_id();
        Ok(match change {
            RoleChange::Give(new) => {
                let row = args![pool, new.user, new.role.as_str(), json(&new.applications)?, now.timestamp()];
                batch.guard(&INSERT, row)
            }
            RoleChange::Change(new) => {
                let row = args![pool, new.user, new.role.as_str(), json(&new.applications)?, new.version];
                batch.guard(&UPDATE, row)
            }
            RoleChange::Take(old) => batch.guard(&DELETE, args![pool, old.user, old.version]),
        })
    }

    /// Keeps a set-up link in place of the one before; `false`, and nothing written down, when somebody owns the pool.
    pub async fn offer_setup(
        &self,
        link: SecretHash,
        until: Timestamp,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let batch = self.while_unowned().then(&OFFER, args![self.pool_id(), link, until]);
        self.write(self.record(batch, &act.into())).await
    }

    /// Whether a set-up link is good.
    pub async fn setup_is_offered(&self, link: SecretHash, now: Now) -> Result<bool, StoreError> {
        let key = args![self.pool_id(), link, now.timestamp()];
        Ok(self.engine().find(&OFFERED, key, RowReader::bool).await?.unwrap_or(false))
    }

    /// Spends a set-up link: makes `user`, who is new, the first owner. `false`, and nothing done, when it is not good, or
    /// somebody owns the pool. A name that is taken is [`StoreError::Conflict`]. The records of `act` are written with it.
    pub async fn set_up(
        &self,
        link: SecretHash,
        user: &User,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let act = act.into();
        let now = act.now;
        let owner = Administrator {
            user: user.id,
            role: Role::Owner,
            applications: BTreeSet::new(),
            created_at: now.timestamp(),
            version: 1,
        };
        let batch = self.while_unowned().guard(&SPEND, args![self.pool_id(), link, now.timestamp()]);
        let batch = self.insert_user(batch, user, now)?;
        let batch = self.add_role(batch, &RoleChange::Give(owner), now)?;
        self.write(self.record(batch, &act)).await
    }
}

fn read(row: &mut RowReader) -> Result<Administrator, StoreError> {
    Ok(Administrator {
        user: row.parsed(UserId::parse)?,
        role: row.parsed(Role::parse)?,
        applications: row.json::<BTreeSet<AppId>>()?,
        created_at: row.at()?,
        version: row.int()?,
    })
}
