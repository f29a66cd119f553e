//! What goes with an application or a user that is deleted.
//!
//! Nothing of it is alive once the batch is written in which the row itself goes. What is dead by then and found by no
//! key of its own is cleared away afterwards, a little at a time; a crash leaves it to the sweeper.

use signet_protocol::{
    application::Application,
    id::{AppId, UserId},
    issuer::IssuerId,
    user::User,
};

use crate::{
    Store, StoreError,
    apply::DELETE_ORIGINS,
    args,
    sign_out::{ALL, Lot},
    sql::{Batch, RowReader, Sql},
};

const DELETE_APPLICATION: Sql = Sql {
    name: "application_delete",
    text: "DELETE FROM application WHERE app_id = $1 AND pool_id = $2 AND version = $3",
};
const ACCOUNTS: Sql = Sql {
    name: "application_delete_accounts",
    text: "DELETE FROM account WHERE app_id = $1 AND pool_id = $2",
};
const RESOURCES: Sql = Sql {
    name: "application_delete_resources",
    text: "DELETE FROM resource WHERE namespace = $1 AND pool_id = $2",
};
const RULES: Sql =
    Sql { name: "application_delete_rules", text: "DELETE FROM rule WHERE app_id = $1 AND pool_id = $2" };
const NOTICES: Sql = Sql {
    name: "application_delete_notices",
    text: "DELETE FROM logout_notice WHERE app_id = $1 AND pool_id = $2",
};
const KEYS: Sql = Sql {
    name: "application_delete_keys",
    text: "DELETE FROM issuer_key WHERE issuer = $1 AND pool_id = $2",
};
/// What people allowed it: nobody knows who they are, so all consents are gone through by their key.
const FAR_CONSENT: Sql = Sql {
    name: "consent_far",
    text: "SELECT user_id FROM consent WHERE pool_id = $1 AND user_id > $2 ORDER BY user_id LIMIT 1 OFFSET 499",
};
const CONSENTS: Sql = Sql {
    name: "application_delete_consents",
    text: "DELETE FROM consent WHERE app_id = $1 AND pool_id = $2 AND user_id > $3 AND user_id <= $4",
};

const DELETE_USER: Sql = Sql {
    name: "user_delete",
    text: "DELETE FROM pool_user WHERE user_id = $1 AND pool_id = $2 AND version = $3",
};
/// Somebody else owns the pool, or nobody would be missed.
const NOT_THE_LAST_OWNER: Sql = Sql {
    name: "user_delete_owned",
    text: "SELECT 1 FROM pool p WHERE p.pool_id = $2 AND (
               NOT EXISTS (SELECT 1 FROM administrator a
                   WHERE a.pool_id = p.pool_id AND a.user_id = $1 AND a.role = 'owner')
               OR EXISTS (SELECT 1 FROM administrator a
                   WHERE a.pool_id = p.pool_id AND a.user_id <> $1 AND a.role = 'owner'))",
};
const ROLE_OF_USER: Sql =
    Sql { name: "user_delete_role", text: "DELETE FROM administrator WHERE user_id = $1 AND pool_id = $2" };
const LINKS_OF_USER: Sql =
    Sql { name: "user_delete_links", text: "DELETE FROM user_link WHERE user_id = $1 AND pool_id = $2" };
const CONSENTS_OF_USER: Sql =
    Sql { name: "user_delete_consents", text: "DELETE FROM consent WHERE user_id = $1 AND pool_id = $2" };
const GRANTS_OF_USER: Sql = Sql {
    name: "user_delete_grants",
    text: "DELETE FROM user_grant WHERE user_id = $1 AND pool_id = $2 AND revoked_at IS NOT NULL
           AND grant_id > $3 AND grant_id <= $4",
};
const SESSIONS_OF_USER: Sql = Sql {
    name: "user_delete_sessions",
    text: "DELETE FROM session WHERE user_id = $1 AND pool_id = $2 AND ended_at IS NOT NULL
           AND session_id > $3 AND session_id <= $4",
};

/// How many are counted; beyond it their number says enough.
const COUNTED: u64 = 1000;
const COUNT_OF_APPLICATION: Sql = Sql {
    name: "grant_count_application",
    text: "SELECT count(*) FROM (SELECT 1 FROM user_grant
               WHERE app_id = $1 AND pool_id = $2 AND revoked_at IS NULL LIMIT 1001) AS due",
};
const COUNT_OF_USER: Sql = Sql {
    name: "grant_count_user",
    text: "SELECT count(*) FROM (SELECT 1 FROM user_grant
               WHERE user_id = $1 AND pool_id = $2 AND revoked_at IS NULL LIMIT 1001) AS due",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &DELETE_APPLICATION,
    &ACCOUNTS,
    &RESOURCES,
    &RULES,
    &NOTICES,
    &KEYS,
    &FAR_CONSENT,
    &CONSENTS,
    &DELETE_USER,
    &NOT_THE_LAST_OWNER,
    &ROLE_OF_USER,
    &LINKS_OF_USER,
    &CONSENTS_OF_USER,
    &GRANTS_OF_USER,
    &SESSIONS_OF_USER,
    &COUNT_OF_APPLICATION,
    &COUNT_OF_USER,
];

/// How many grants there are: what users gave, and applications hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantCount {
    /// So many.
    Exactly(u64),
    /// More than this.
    MoreThan(u64),
}

impl GrantCount {
    fn of(count: Option<i64>) -> GrantCount {
        match count.unwrap_or(0).unsigned_abs() {
            count if count > COUNTED => GrantCount::MoreThan(COUNTED),
            count => GrantCount::Exactly(count),
        }
    }
}

impl Store {
    /// How much users gave an application that is not revoked, expired things of the last day included.
    pub async fn grants_of_application(&self, application: AppId) -> Result<GrantCount, StoreError> {
        let key = args![application, self.pool_id()];
        self.engine().find(&COUNT_OF_APPLICATION, key, RowReader::int).await.map(GrantCount::of)
    }

    /// How much a user gave applications that is not revoked, expired things of the last day included.
    pub async fn grants_of_user(&self, user: UserId) -> Result<GrantCount, StoreError> {
        let key = args![user, self.pool_id()];
        self.engine().find(&COUNT_OF_USER, key, RowReader::int).await.map(GrantCount::of)
    }

    /// Adds that an application goes, with all that is its own. Its grants are revoked by whoever writes the batch.
    pub(crate) fn delete_application(&self, batch: Batch, application: &Application) -> Batch {
        let id = application.id;
        let guarded = batch.guard(&DELETE_APPLICATION, args![id, self.pool_id(), application.version]);
        let own = [&DELETE_ORIGINS, &ACCOUNTS, &RESOURCES, &RULES, &NOTICES];
        let batch = own.into_iter().fold(guarded, |batch, sql| batch.then(sql, args![id, self.pool_id()]));
        batch.then(&KEYS, args![IssuerId::Application(id), self.pool_id()])
    }

    /// Adds that a user goes, with what they allowed. They are signed out by whoever writes the batch.
    pub(crate) fn delete_user(&self, batch: Batch, user: &User) -> Batch {
        let key = args![user.id, self.pool_id()];
        let batch = self.hold_owners(batch).hold(&NOT_THE_LAST_OWNER, key.clone());
        let batch = batch.guard(&DELETE_USER, args![user.id, self.pool_id(), user.version]);
        let batch = self.delete_words(batch, user.id);
        [&ROLE_OF_USER, &LINKS_OF_USER, &CONSENTS_OF_USER]
            .into_iter()
            .fold(batch, |batch, sql| batch.then(sql, key.clone()))
    }

    /// Clears away what people allowed an application that is gone, so that it means nothing if one of the same App ID
    /// is ever made.
    pub(crate) async fn clear_consents(&self, application: AppId) -> Result<(), StoreError> {
        let mut above = String::new();
        loop {
            let far =
                self.engine().find(&FAR_CONSENT, args![self.pool_id(), &above], RowReader::text).await?;
            // An id is of lower-case hexadecimal digits.
            let to = far.clone().unwrap_or_else(|| "g".to_owned());
            let values = args![application, self.pool_id(), &above, to];
            self.write(Batch::new().then(&CONSENTS, values)).await?;
            match far {
                Some(far) => above = far,
                None => return Ok(()),
            }
        }
    }

    /// Clears away the ended sessions and revoked grants of a user who is gone.
    pub(crate) async fn clear_user(&self, user: UserId) -> Result<(), StoreError> {
        let mut above = ALL.0;
        loop {
            let far = self.far_grant(&Lot::User(user, None), above).await?;
            let values = args![user, self.pool_id(), above, far.unwrap_or(ALL.1)];
            self.write(Batch::new().then(&GRANTS_OF_USER, values)).await?;
            match far {
                Some(far) => above = far,
                None => break,
            }
        }
        above = ALL.0;
        loop {
            let far = self.far_session(user, above).await?;
            let values = args![user, self.pool_id(), above, far.unwrap_or(ALL.1)];
            self.write(Batch::new().then(&SESSIONS_OF_USER, values)).await?;
            match far {
                Some(far) => above = far,
                None => return Ok(()),
            }
        }
    }
}
