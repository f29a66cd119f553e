//! Changes of applications and users, all in one batch.

use std::{collections::BTreeSet, future::Future};

use signet_protocol::{
    application::Application,
    entropy::Entropy,
    id::{AppId, UserId},
    jose::SigningAlg,
    pool::PoolSettings,
    time::Now,
    user::{User, fold_email},
};

use crate::{
    Store, StoreError,
    application::secret_place,
    args,
    change::Changed,
    rows::json,
    sign_out::{Lot, SignOut},
    sql::{Batch, Sql, Value},
};

const INSERT_APPLICATION: Sql = Sql {
    name: "application_insert",
    text: "INSERT INTO application (app_id, pool_id, identifier, name, enabled, secret_sealed, settings, id_token_alg,
               access_token_alg, userinfo_alg, backchannel_logout, version, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12)",
};
const UPDATE_APPLICATION: Sql = Sql {
    name: "application_update",
    text:
        "UPDATE application SET identifier = $3, name = $4, enabled = $5, secret_sealed = $6, settings = $7,
               id_token_alg = $8, access_token_alg = $9, userinfo_alg = $10, backchannel_logout = $11,
               version = version + 1, updated_at = $12
           WHERE app_id = $1 AND pool_id = $2 AND version = $13",
};
const DELETE_ORIGINS: Sql = Sql {
    name: "application_delete_origins",
    text: "DELETE FROM application_origin WHERE app_id = $1 AND pool_id = $2",
};
const INSERT_ORIGIN: Sql = Sql {
    name: "application_insert_origin",
    text: "INSERT INTO application_origin (app_id, pool_id, origin) VALUES ($1, $2, $3)",
};
const INSERT_USER: Sql = Sql {
    name: "user_insert",
    text: "INSERT INTO pool_user (user_id, pool_id, username, email, email_key, phone, password, blocked, details,
               version, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10)",
};
const UPDATE_USER: Sql = Sql {
    name: "user_update",
    text: "UPDATE pool_user SET username = $3, email = $4, email_key = $5, phone = $6, password = $7, blocked = $8,
               details = $9, version = version + 1, updated_at = $10
           WHERE user_id = $1 AND pool_id = $2 AND version = $11",
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&INSERT_APPLICATION, &UPDATE_APPLICATION, &DELETE_ORIGINS, &INSERT_ORIGIN, &INSERT_USER, &UPDATE_USER];

/// One change of a plan.
#[derive(Clone, Debug)]
pub enum Change {
    /// The settings of the pool as they shall be; their version is the one they were read at.
    UpdatePool(PoolSettings),
    /// A new application; it begins at version 1.
    InsertApplication(Application),
    /// An application as it shall be; its version is the one it was read at.
    UpdateApplication(Application),
    /// A new user; they begin at version 1.
    InsertUser(User),
    /// A user as they shall be; their version is the one they were read at.
    UpdateUser(User),
}

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// All of it was done.
    Done,
    /// Something was changed by somebody else since it was read; nothing was done. Plan again.
    Changed,
}

impl Store {
    /// Carries out a plan as a whole. Blocking a user or giving them another password ends their sessions and revokes
    /// their grants, disabling an application revokes its grants; of those it goes ahead with all but the newest. A key that is taken is [`StoreError::Conflict`], and then nothing was done.
    pub fn apply(
        &self,
        changes: Vec<Change>,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Applied, StoreError>> + Send + use<'_> {
        let batch = self.plan(&changes, now, entropy);
        async move {
            let mut batch = batch?;
            let ended = self.users_to_end(&changes).await?;
            for user in &ended {
                let rest = self.sign_out_ahead(SignOut::User(*user), now).await?;
                batch = self.add_sign_out(batch, SignOut::User(*user), rest, now);
            }
            for application in disabled(&changes) {
                let rest = self.revoke_ahead(Lot::Application(application), now).await?;
                batch = self.revoke_range(batch, &Lot::Application(application), rest, now);
            }
            let stands = self.commit(batch, stale(&changes, &ended), now).await?;
            for user in &ended {
                self.learn_revocations_of_user(*user).await?;
            }
            if !ended.is_empty() {
                self.0.notices.notify_one();
            }
            Ok(if stands { Applied::Done } else { Applied::Changed })
        }
    }

    fn plan(&self, changes: &[Change], now: Now, entropy: &mut dyn Entropy) -> Result<Batch, StoreError> {
        let mut batch = Batch::new();
        for change in changes {
            batch = match change {
                Change::UpdatePool(settings) => self.update_pool(batch, settings)?,
                Change::InsertApplication(application) => {
                    let row = self.application_row(application, now, entropy)?;
                    self.insert_origins(batch.then(&INSERT_APPLICATION, row), application)
                }
                Change::UpdateApplication(application) => {
                    let row = self.application_row(application, now, entropy)?;
                    self.update_application(batch, application, row)
                }
                Change::InsertUser(user) => batch.then(&INSERT_USER, self.user_row(user, now)?),
                Change::UpdateUser(user) => {
                    let row = [self.user_row(user, now)?, args![user.version]].concat();
                    batch.guard(&UPDATE_USER, row)
                }
            };
        }
        Ok(batch)
    }

    fn update_application(&self, batch: Batch, application: &Application, mut row: Vec<Value>) -> Batch {
        row.extend(args![application.version]);
        let batch = batch.guard(&UPDATE_APPLICATION, row);
        let batch = batch.then(&DELETE_ORIGINS, args![application.id, self.pool_id()]);
        self.insert_origins(batch, application)
    }

    fn insert_origins(&self, batch: Batch, application: &Application) -> Batch {
        let origins: BTreeSet<_> = application.origins().into_iter().collect();
        origins.into_iter().fold(batch, |batch, origin| {
            batch.then(&INSERT_ORIGIN, args![application.id, self.pool_id(), origin])
        })
    }

    /// Those whose logins end: who is blocked, or has another password than the stored one. A password that is stored
    /// after it was compared here comes with another version, which the plan's guard refuses.
    async fn users_to_end(&self, changes: &[Change]) -> Result<Vec<UserId>, StoreError> {
        let mut ended = Vec::new();
        for change in changes {
            if let Change::UpdateUser(user) = change
                && (user.blocked || self.has_another_password(user).await?)
            {
                ended.push(user.id);
            }
        }
        Ok(ended)
    }

    async fn has_another_password(&self, user: &User) -> Result<bool, StoreError> {
        let stored = self.stored_user(user.id).await?;
        Ok(stored.is_some_and(|stored| stored.password != user.password))
    }

    fn application_row(
        &self,
        application: &Application,
        now: Now,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Value>, StoreError> {
        let id = application.id.to_string();
        let mut seal = |secret: &[u8]| self.0.master_key.seal(&secret_place(&id), secret, entropy);
        let sealed = application.secret.as_ref().map(|secret| seal(secret.expose())).transpose()?;
        let settings = &application.settings;
        Ok(args![
            application.id,
            self.pool_id(),
            application.identifier.as_str(),
            &application.name,
            application.enabled,
            sealed,
            json(settings)?,
            settings.id_token_signed_response_alg.as_str(),
            settings.access_token_signed_response_alg.as_str(),
            settings.userinfo_signed_response_alg.map(SigningAlg::as_str),
            settings.backchannel_logout_uri.is_some(),
            now.timestamp(),
        ])
    }

    fn user_row(&self, user: &User, now: Now) -> Result<Vec<Value>, StoreError> {
        Ok(args![
            user.id,
            self.pool_id(),
            user.username.as_ref(),
            user.email.as_ref(),
            user.email.as_deref().map(fold_email),
            user.phone.as_ref(),
            user.password.as_ref().map(|hash| hash.as_str()),
            user.blocked,
            json(&user.details)?,
            now.timestamp(),
        ])
    }
}

/// Beyond as many changed users all are forgotten: naming each would cost more than reading them again.
const USERS_NAMED: usize = 100;

/// The applications that a plan disables, or keeps so.
fn disabled(changes: &[Change]) -> impl Iterator<Item = AppId> {
    changes.iter().filter_map(|change| match change {
        Change::UpdateApplication(application) if !application.enabled => Some(application.id),
        _ => None,
    })
}

/// What a plan that ends the logins of `ended` makes stale in memory.
fn stale(changes: &[Change], ended: &[UserId]) -> Vec<Changed> {
    let applications = changes
        .iter()
        .any(|change| matches!(change, Change::InsertApplication(_) | Change::UpdateApplication(_)));
    let revocations = !ended.is_empty() || disabled(changes).next().is_some();
    let updated = changes.iter().filter_map(|change| match change {
        Change::UpdateUser(user) => Some(Changed::User(user.id)),
        _ => None,
    });
    let users: Vec<_> = match updated.clone().nth(USERS_NAMED) {
        None => updated.collect(),
        Some(_) => vec![Changed::Users],
    };
    let pool = changes.iter().any(|change| matches!(change, Change::UpdatePool(_)));
    let kinds = [
        pool.then_some(Changed::Pool),
        applications.then_some(Changed::Applications),
        revocations.then_some(Changed::Revocations),
    ];
    kinds.into_iter().flatten().chain(users).collect()
}
