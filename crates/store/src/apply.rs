//! Changes of the pool, applications, accounts, permissions and users, all in one batch.

use std::{collections::BTreeSet, future::Future};

use signet_protocol::{
    account::Account,
    application::Application,
    entropy::Entropy,
    id::{AppId, LinkId, UserId},
    issuer::IssuerId,
    jose::SigningAlg,
    pool::PoolSettings,
    resource::{Resource, ResourceCode, Rule},
    time::Now,
    user::{User, fold_email},
};

use crate::{
    Store, StoreError,
    application::secret_place,
    args,
    audit::Act,
    change::Changed,
    revision::Revision,
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
/// Before that it is the one that the application was created with.
const DATE_SECRET: Sql = Sql {
    name: "application_date_secret",
    text: "UPDATE application SET secret_set_at = $3 WHERE app_id = $1 AND pool_id = $2",
};
pub(crate) const DELETE_ORIGINS: Sql = Sql {
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
               version, indexed, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 1, $10, $10)",
};
const UPDATE_USER: Sql = Sql {
    name: "user_update",
    text: "UPDATE pool_user SET username = $3, email = $4, email_key = $5, phone = $6, password = $7, blocked = $8,
               details = $9, version = version + 1, indexed = version + 1, updated_at = $10
           WHERE user_id = $1 AND pool_id = $2 AND version = $11",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &INSERT_APPLICATION,
    &UPDATE_APPLICATION,
    &DATE_SECRET,
    &DELETE_ORIGINS,
    &INSERT_ORIGIN,
    &INSERT_USER,
    &UPDATE_USER,
];

/// One change of a plan.
#[derive(Clone, Debug)]
pub enum Change {
    /// The settings of the pool as they shall be; their version is the one they were read at.
    UpdatePool(PoolSettings),
    /// A new application; it begins at version 1.
    InsertApplication(Application),
    /// An application as it shall be; its version is the one it was read at.
    UpdateApplication(Application),
    /// An application, as it was read, that goes, and with it its accounts, resources, rules and keys and what users gave
    /// it.
    DeleteApplication(Application),
    /// A new account; it begins at version 1.
    InsertAccount(Account),
    /// An account as it shall be; its version is the one it was read at.
    UpdateAccount(Account),
    /// An account, as it was read, that goes, and with it the rules about it.
    DeleteAccount(Account),
    /// Resources of one namespace that come, change or go.
    Resources {
        /// The application; `None`: the pool's own.
        of: Option<AppId>,
        /// New ones, and others as they shall be.
        put: Vec<Resource>,
        /// Those that go.
        removed: Vec<ResourceCode>,
    },
    /// Rules of an application that come and go.
    Rules {
        /// The application.
        of: AppId,
        /// New ones.
        added: Vec<Rule>,
        /// Those that go.
        removed: Vec<Rule>,
    },
    /// A new user; they begin at version 1.
    InsertUser(User),
    /// A user as they shall be; their version is the one they were read at.
    UpdateUser(User),
    /// A user, as they were read, who goes, and with them their logins and what they gave and allowed.
    DeleteUser(User),
    /// A one-time link that is used; refused unless it is this user's, unused and not expired.
    SpendLink {
        /// The link.
        link: LinkId,
        /// Whose it is.
        user: UserId,
    },
    /// What of the others is kept so that it can be undone; refused if it undoes what was undone already.
    Keep(Box<Revision>),
}

impl Change {
    /// Whether what it changes has no version of its own. Whether a rule can be meant depends on the resources of two
    /// namespaces, on accounts and on the pool's settings: all of it has the version of those settings.
    pub fn needs_the_pool(&self) -> bool {
        matches!(
            self,
            Change::DeleteApplication(_)
                | Change::DeleteAccount(_)
                | Change::Resources { .. }
                | Change::Rules { .. }
        )
    }
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
    /// Carries out a plan as a whole. Blocking or deleting a user, or giving them another password, ends their sessions,
    /// revokes their grants and takes an unused one-time link away, disabling or deleting an application revokes its grants; of
    /// those it goes ahead with all but the newest. A key that is taken is [`StoreError::Conflict`], and then nothing was done.
    ///
    /// Resources, rules, and accounts and applications that go are changed only together with [`Change::UpdatePool`], whose version guards what
    /// they were compared with; else it is [`StoreError::Internal`].
    pub fn apply<A: Into<Act>>(
        &self,
        changes: Vec<Change>,
        act: A,
        entropy: &mut dyn Entropy,
    ) -> impl Future<Output = Result<Applied, StoreError>> + Send + use<'_, A> {
        let act = act.into();
        let now = act.now;
        let batch = self.plan(&changes, now, entropy);
        async move {
            let mut batch = self.record(batch?, &act);
            for application in self.with_another_secret(&changes).await? {
                batch = batch.then(&DATE_SECRET, args![application, self.pool_id(), now.timestamp()]);
            }
            let ended = self.users_to_end(&changes).await?;
            for user in &ended {
                let rest = self.sign_out_ahead(SignOut::User(*user), now).await?;
                batch = self.add_sign_out(batch, SignOut::User(*user), rest, now);
                batch = self.drop_link(batch, *user);
            }
            for application in without_grants(&changes) {
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
            if stands {
                self.clear_away(&changes).await?;
            }
            Ok(if stands { Applied::Done } else { Applied::Changed })
        }
    }

    fn plan(&self, changes: &[Change], now: Now, entropy: &mut dyn Entropy) -> Result<Batch, StoreError> {
        let with_pool = changes.iter().any(|change| matches!(change, Change::UpdatePool(_)));
        if !with_pool && changes.iter().any(Change::needs_the_pool) {
            return Err(StoreError::Internal(
                "permissions are changed without the pool's version".to_owned(),
            ));
        }
        let labels = changes.iter().filter_map(|change| match change {
            Change::InsertApplication(application) | Change::UpdateApplication(application) => {
                Some(&application.identifier)
            }
            _ => None,
        });
        let mut batch = self.hold_labels(Batch::new(), labels);
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
                Change::DeleteApplication(application) => self.delete_application(batch, application),
                Change::InsertAccount(account) => self.insert_account(batch, account, now, entropy)?,
                Change::UpdateAccount(account) => self.update_account(batch, account, now, entropy)?,
                Change::DeleteAccount(account) => {
                    self.delete_rules_about(self.delete_account(batch, account), account)
                }
                Change::Resources { of, put, removed } => self.change_resources(batch, *of, put, removed)?,
                Change::Rules { of, added, removed } => self.change_rules(batch, *of, added, removed)?,
                Change::InsertUser(user) => self.insert_user(batch, user, now)?,
                Change::UpdateUser(user) => {
                    let row = [self.user_row(user, now)?, args![user.version]].concat();
                    self.replace_words(batch.guard(&UPDATE_USER, row), user)
                }
                Change::DeleteUser(user) => self.delete_user(batch, user),
                Change::SpendLink { link, user } => self.spend_link(batch, *link, *user, now),
                Change::Keep(revision) => self.keep_revision(batch, revision)?,
            };
        }
        Ok(batch)
    }

    /// Adds a user who is new.
    pub(crate) fn insert_user(&self, batch: Batch, user: &User, now: Now) -> Result<Batch, StoreError> {
        Ok(self.insert_words(batch.then(&INSERT_USER, self.user_row(user, now)?), user))
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

    /// What is dead by now of what went.
    async fn clear_away(&self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            match change {
                Change::DeleteApplication(application) => self.clear_consents(application.id).await?,
                Change::DeleteUser(user) => self.clear_user(user.id).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Those whose logins end: who goes, is blocked, or has another password than the stored one. A password that is stored
    /// after it was compared here comes with another version, which the plan's guard refuses.
    async fn users_to_end(&self, changes: &[Change]) -> Result<Vec<UserId>, StoreError> {
        let mut ended = Vec::new();
        for change in changes {
            let ends = match change {
                Change::UpdateUser(user) => user.blocked || self.has_another_password(user).await?,
                Change::DeleteUser(_) => true,
                _ => false,
            };
            if let Change::UpdateUser(user) | Change::DeleteUser(user) = change
                && ends
            {
                ended.push(user.id);
            }
        }
        Ok(ended)
    }

    /// The applications that get another secret. One that is stored after it was compared here comes with another version.
    async fn with_another_secret(&self, changes: &[Change]) -> Result<Vec<AppId>, StoreError> {
        let mut changed = Vec::new();
        for change in changes {
            if let Change::UpdateApplication(new) = change
                && let Some(old) = self.application(new.id).await?
                && let Some(secret) = &new.secret
                && !old.secret.as_ref().is_some_and(|old| old.matches(secret.expose()))
            {
                changed.push(new.id);
            }
        }
        Ok(changed)
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

/// Beyond as many changed users or accounts all are forgotten: naming each would cost more than reading them again.
const NAMED: usize = 100;

/// The applications that a plan deletes, disables, or keeps so.
fn without_grants(changes: &[Change]) -> impl Iterator<Item = AppId> {
    changes.iter().filter_map(|change| match change {
        Change::DeleteApplication(application) => Some(application.id),
        Change::UpdateApplication(application) if !application.enabled => Some(application.id),
        _ => None,
    })
}

/// What a plan that ends the logins of `ended` makes stale in memory.
fn stale(changes: &[Change], ended: &[UserId]) -> Vec<Changed> {
    let applications = changes.iter().any(|change| {
        matches!(
            change,
            Change::InsertApplication(_) | Change::UpdateApplication(_) | Change::DeleteApplication(_)
        )
    });
    let revocations = !ended.is_empty() || without_grants(changes).next().is_some();
    let users = named(changes, Changed::Users, |change| match change {
        Change::UpdateUser(user) | Change::DeleteUser(user) => Some(Changed::User(user.id)),
        _ => None,
    });
    let accounts = named(changes, Changed::Accounts, |change| match change {
        Change::InsertAccount(account) | Change::UpdateAccount(account) | Change::DeleteAccount(account) => {
            Some(Changed::Account(account.id))
        }
        _ => None,
    });
    let permissions = named(changes, Changed::Permissions(None), |change| match change {
        Change::Resources { of, .. } => Some(Changed::Permissions(*of)),
        Change::Rules { of, .. } => Some(Changed::Permissions(Some(*of))),
        Change::DeleteAccount(account) => Some(Changed::Permissions(Some(account.application))),
        Change::DeleteApplication(application) => Some(Changed::Permissions(Some(application.id))),
        _ => None,
    });
    // Its accounts went unnamed, and its keys.
    let gone = changes.iter().filter_map(|change| match change {
        Change::DeleteApplication(application) => {
            Some([Changed::Accounts, Changed::IssuerKeys(IssuerId::Application(application.id))])
        }
        _ => None,
    });
    let pool = changes.iter().any(|change| matches!(change, Change::UpdatePool(_)));
    let kinds = [
        pool.then_some(Changed::Pool),
        applications.then_some(Changed::Applications),
        revocations.then_some(Changed::Revocations),
    ];
    kinds
        .into_iter()
        .flatten()
        .chain(users)
        .chain(accounts)
        .chain(permissions)
        .chain(gone.flatten())
        .collect()
}

/// Each change that `name` has a name for, or of too many `all` at once.
fn named(changes: &[Change], all: Changed, name: fn(&Change) -> Option<Changed>) -> Vec<Changed> {
    let names = || changes.iter().filter_map(name);
    if names().nth(NAMED).is_some() { vec![all] } else { names().collect() }
}
