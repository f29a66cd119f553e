//! Users of the pool, by their id read through memory.

use std::sync::Arc;

use signet_protocol::{
    id::{PoolId, UserId},
    password::PasswordHash,
    time::Now,
    user::{LoginName, User, UserDetails},
};

use crate::{
    Store, StoreError, args,
    change::Changed,
    rows::json,
    sql::{Batch, RowReader, Sql},
};

/// One reading statement per way to find a user.
macro_rules! user_by {
    ($sql:ident, $name:literal, $which:literal) => {
        const $sql: Sql = Sql {
            name: $name,
            text: concat!(
                "SELECT user_id, pool_id, username, email, phone, password, blocked, details, updated_at, version
                 FROM pool_user WHERE ",
                $which
            ),
        };
    };
}
user_by!(BY_ID, "user_by_id", "pool_id = $1 AND user_id = $2");
user_by!(BY_USERNAME, "user_by_username", "pool_id = $1 AND username = $2");
user_by!(BY_EMAIL, "user_by_email", "pool_id = $1 AND email_key = $2");
user_by!(BY_PHONE, "user_by_phone", "pool_id = $1 AND phone = $2");
// The pool stands in each part: only then does SQLite use the index of each key.
user_by!(
    BY_KEYS,
    "user_by_keys",
    "(pool_id = $1 AND username = $2) OR (pool_id = $1 AND email_key = $3) OR (pool_id = $1 AND phone = $4)"
);

// The order of ids is that of creation. The pool is compared so that the key is used.
user_by!(PAGE, "user_page", "NOT pool_id <> $1 AND user_id > $2 ORDER BY user_id LIMIT $3");

const REHASH: Sql = Sql {
    name: "user_rehash",
    text: "UPDATE pool_user SET password = $3, details = $4, version = version + 1,
            indexed = CASE WHEN indexed = version THEN version + 1 ELSE indexed END
        WHERE user_id = $1 AND pool_id = $2 AND version = $5",
};
const HOLD: Sql = Sql {
    name: "user_hold",
    text: "SELECT 1 FROM pool_user WHERE user_id = $1 AND pool_id = $2 AND NOT blocked",
};

const VERIFIED_HOLD: Sql = Sql {
    name: "user_verified_hold",
    text: "SELECT 1 FROM pool_user WHERE user_id = $1 AND pool_id = $2 AND NOT blocked AND password = $3",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&BY_ID, &BY_USERNAME, &BY_EMAIL, &BY_PHONE, &BY_KEYS, &PAGE, &REHASH, &HOLD, &VERIFIED_HOLD];

impl Store {
    /// The user with this `sub`, blocked or not. A change made by another node is seen within a second; what must not
    /// be missed is guarded in the batch.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>, StoreError> {
        let ticket = match self.0.users.get(&id) {
            Ok(user) => return Ok(Some(user)),
            Err(ticket) => ticket,
        };
        let found = self.stored_user(id).await?;
        Ok(found.map(|user| self.0.users.put(ticket, id, user)))
    }

    /// The user with this `sub` as the database has them now.
    pub async fn stored_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.engine().look_up_one(&BY_ID, args![self.pool_id(), id], read).await
    }

    /// The user who signs in with this name.
    pub async fn user_by_login(&self, name: &LoginName) -> Result<Option<User>, StoreError> {
        let (sql, key) = match name {
            LoginName::Username(key) => (&BY_USERNAME, key),
            LoginName::Email(key) => (&BY_EMAIL, key),
            LoginName::Phone(key) => (&BY_PHONE, key),
        };
        self.engine().find(sql, args![self.pool_id(), key], read).await
    }

    /// Every user who has one of these keys: at most three. `email_key` is the folded e-mail.
    pub async fn users_by_keys(
        &self,
        username: Option<&str>,
        email_key: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Vec<User>, StoreError> {
        self.engine().list(&BY_KEYS, args![self.pool_id(), username, email_key, phone], read).await
    }

    /// At most `most` users after one of an id, in the order of ids; the first ones where none is named.
    pub async fn users_after(&self, last: Option<UserId>, most: usize) -> Result<Vec<User>, StoreError> {
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.engine().list(&PAGE, args![self.pool_id(), last, most], read).await
    }

    /// Puts `new` in the place of another hash of the same password, and remembers which that was; `false` when the user
    /// was changed meanwhile.
    pub async fn rehash_password(
        &self,
        user: &User,
        new: &PasswordHash,
        now: Now,
    ) -> Result<bool, StoreError> {
        let imported = user.password.as_ref().map(PasswordHash::fingerprint);
        let details = json(&UserDetails { imported, ..user.details.clone() })?;
        let values = args![user.id, self.pool_id(), new.as_str(), details, user.version];
        self.commit(Batch::new().guard(&REHASH, values), vec![Changed::User(user.id)], now).await
    }

    /// Adds that the user exists and is not blocked, and that their password is the one that was verified, if one was.
    pub(crate) fn hold_user(&self, batch: Batch, id: UserId, password: Option<&PasswordHash>) -> Batch {
        match password {
            None => batch.hold(&HOLD, args![id, self.pool_id()]),
            Some(hash) => batch.hold(&VERIFIED_HOLD, args![id, self.pool_id(), hash.as_str()]),
        }
    }
}

pub(crate) fn read(row: &mut RowReader) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed(UserId::parse)?,
        pool: row.parsed(PoolId::parse)?,
        username: row.opt_text()?,
        email: row.opt_text()?,
        phone: row.opt_text()?,
        password: row.opt_parsed(|text| PasswordHash::parse(text).ok())?,
        blocked: row.bool()?,
        details: row.json()?,
        updated_at: row.at()?,
        version: row.int()?,
    })
}
