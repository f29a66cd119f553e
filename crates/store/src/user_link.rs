//! One-time links by which somebody sets their password: one for each user at most.

use signet_protocol::{
    id::{LinkId, UserId},
    secret::SecretHash,
    time::{Now, Timestamp},
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    sql::{Batch, RowReader, Sql},
};

/// Only who exists and is not blocked is given one, and it takes the place of the one before.
const PUT: Sql = Sql {
    name: "user_link_put",
    text: "INSERT INTO user_link (link_id, pool_id, user_id, hash, created_at, expires_at)
           SELECT $1, pool_id, user_id, $4, $5, $6 FROM pool_user
           WHERE user_id = $2 AND pool_id = $3 AND NOT blocked
           ON CONFLICT (pool_id, user_id) DO UPDATE SET link_id = excluded.link_id, hash = excluded.hash,
               created_at = excluded.created_at, expires_at = excluded.expires_at, used_at = NULL",
};
const LOAD: Sql = Sql {
    name: "user_link_load",
    text: "SELECT link_id, user_id, hash, created_at, expires_at, used_at FROM user_link
           WHERE link_id = $1 AND pool_id = $2",
};
const OF_USER: Sql = Sql {
    name: "user_link_of_user",
    text: "SELECT link_id, user_id, hash, created_at, expires_at, used_at FROM user_link
           WHERE pool_id = $1 AND user_id = $2",
};
const SPEND: Sql = Sql {
    name: "user_link_spend",
    text: "UPDATE user_link SET used_at = $4
           WHERE link_id = $1 AND pool_id = $2 AND user_id = $3 AND used_at IS NULL AND expires_at > $4",
};
/// One that was used stays for a while, to be told from one that never was.
const DROP: Sql = Sql {
    name: "user_link_drop",
    text: "DELETE FROM user_link WHERE pool_id = $1 AND user_id = $2 AND used_at IS NULL",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&PUT, &LOAD, &OF_USER, &SPEND, &DROP];

/// A one-time link as stored.
#[derive(Clone, Debug)]
pub struct UserLink {
    /// Its id, the front of its token.
    pub id: LinkId,
    /// Whose it is.
    pub user: UserId,
    /// The hash of its secret.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// What a link is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It can be used.
    Live,
    /// It was used.
    Used,
    /// Its time is over.
    Expired,
}

impl UserLink {
    /// What it is worth at `now`.
    pub fn state(&self, now: Timestamp) -> LinkState {
        match self.used_at {
            Some(_) => LinkState::Used,
            None if self.expires_at.0 <= now.0 => LinkState::Expired,
            None => LinkState::Live,
        }
    }
}

impl Store {
    /// Keeps a new link, in the place of the user's last one. `false`, and nothing done, when there is no such user or they
    /// are blocked.
    pub async fn put_link(&self, link: &UserLink, act: impl Into<Act>) -> Result<bool, StoreError> {
        let row = args![link.id, link.user, self.pool_id(), link.hash, link.created_at, link.expires_at];
        self.write(self.record(Batch::new().guard(&PUT, row), &act.into())).await
    }

    /// The link of this id, whatever it is worth.
    pub async fn link(&self, id: LinkId) -> Result<Option<UserLink>, StoreError> {
        self.engine().find(&LOAD, args![id, self.pool_id()], read).await
    }

    /// The last link of a user, whatever it is worth.
    pub async fn link_of_user(&self, user: UserId) -> Result<Option<UserLink>, StoreError> {
        self.engine().find(&OF_USER, args![self.pool_id(), user], read).await
    }

    /// Takes a user's link away; `false` when there was none that could be used.
    pub async fn withdraw_link(&self, user: UserId, act: impl Into<Act>) -> Result<bool, StoreError> {
        let batch = Batch::new().guard(&DROP, args![self.pool_id(), user]);
        self.write(self.record(batch, &act.into())).await
    }

    pub(crate) fn spend_link(&self, batch: Batch, link: LinkId, user: UserId, now: Now) -> Batch {
        batch.guard(&SPEND, args![link, self.pool_id(), user, now.timestamp()])
    }

    /// Adds that a link which was not used is worth nothing any more.
    pub(crate) fn drop_link(&self, batch: Batch, user: UserId) -> Batch {
        batch.then(&DROP, args![self.pool_id(), user])
    }
}

fn read(row: &mut RowReader) -> Result<UserLink, StoreError> {
    Ok(UserLink {
        id: row.row_id()?,
        user: row.parsed(UserId::parse)?,
        hash: row.hash()?,
        created_at: row.at()?,
        expires_at: row.at()?,
        used_at: row.opt_at()?,
    })
}
