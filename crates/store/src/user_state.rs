//! What hangs on a user: the sessions and grants that are alive, and the consents that are remembered.

use signet_protocol::{
    amr::Amr,
    consent::Consent,
    grant::Grant,
    id::{AppId, GrantId, RowId, SessionId, UserId},
    scope::Scope,
    time::Timestamp,
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    grant::{self, grant_columns},
    sql::{Batch, RowReader, Sql},
};

const SESSIONS: Sql = Sql {
    name: "user_sessions",
    text: "SELECT session_id, app_id, auth_time, amr, created_at, expires_at FROM session
           WHERE pool_id = $1 AND user_id = $2 AND session_id < $3 AND ended_at IS NULL AND expires_at > $4
           ORDER BY session_id DESC LIMIT $5",
};
const SESSION: Sql = Sql {
    name: "user_session",
    text: "SELECT session_id FROM session WHERE session_id = $1 AND pool_id = $2 AND user_id = $3",
};
const GRANTS: Sql = Sql {
    name: "user_grants",
    text: concat!(
        "SELECT ",
        grant_columns!(),
        " FROM user_grant g WHERE g.pool_id = $1 AND g.user_id = $2 AND g.grant_id < $3
              AND g.revoked_at IS NULL AND g.expires_at > $4
          ORDER BY g.grant_id DESC LIMIT $5"
    ),
};
const GRANT: Sql = Sql {
    name: "user_grant_one",
    text: "SELECT grant_id FROM user_grant WHERE grant_id = $1 AND pool_id = $2 AND user_id = $3",
};
const CONSENTS: Sql = Sql {
    name: "user_consents",
    text: "SELECT app_id, scope, claims, granted_at FROM consent
           WHERE pool_id = $1 AND user_id = $2 AND app_id > $3 ORDER BY app_id LIMIT $4",
};
const FORGET_CONSENT: Sql = Sql {
    name: "user_consent_forget",
    text: "DELETE FROM consent WHERE pool_id = $1 AND user_id = $2 AND app_id = $3",
};

/// Whatever they are worth: what is dead is passed over by whoever reads, a bounded number of them.
const GIVEN: Sql = Sql {
    name: "application_grants",
    text: concat!(
        "SELECT ",
        grant_columns!(),
        " FROM user_grant g WHERE g.pool_id = $1 AND g.app_id = $2 AND g.grant_id < $3
          ORDER BY g.grant_id DESC LIMIT 250"
    ),
};

pub(crate) const STATEMENTS: &[&Sql] =
    &[&SESSIONS, &SESSION, &GRANTS, &GRANT, &CONSENTS, &FORGET_CONSENT, &GIVEN];

/// Grants that [`GIVEN`] finds, and how often it is asked for one page.
const CANDIDATES: usize = 250;
const ROUNDS: usize = 8;

/// A session that is alive.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// The only application it serves; `None`: all of the single sign-on list.
    pub application: Option<AppId>,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// By what.
    pub amr: Amr,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a user allowed an application.
#[derive(Clone, Debug)]
pub struct GrantedConsent {
    /// The application.
    pub application: AppId,
    /// What they allowed.
    pub consent: Consent,
    /// When they did last.
    pub granted_at: Timestamp,
}

impl Store {
    /// The next `most` sessions of a user that are alive, the newest first: those begun before `before`.
    pub async fn sessions_of(
        &self,
        user: UserId,
        before: Option<SessionId>,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<OpenSession>, StoreError> {
        let read = |row: &mut RowReader| {
            Ok(OpenSession {
                id: row.row_id()?,
                application: row.opt_parsed(AppId::parse)?,
                auth_time: row.at()?,
                amr: Amr::parse(&row.text()?),
                created_at: row.at()?,
                expires_at: row.at()?,
            })
        };
        let values = args![self.pool_id(), user, before_all(before), now, most];
        self.engine().list(&SESSIONS, values, read).await
    }

    /// Whether there is such a session of this user.
    pub async fn has_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let values = args![session, self.pool_id(), user];
        let found = self.engine().find(&SESSION, values, RowReader::row_id::<SessionId>).await?;
        Ok(found.is_some())
    }

    /// The next `most` grants of a user that are alive, the newest first: those made before `before`.
    pub async fn grants_of(
        &self,
        user: UserId,
        before: Option<GrantId>,
        now: Timestamp,
        most: i64,
    ) -> Result<Vec<Grant>, StoreError> {
        let values = args![self.pool_id(), user, before_all(before), now, most];
        self.engine().list(&GRANTS, values, grant::read).await
    }

    /// Whether there is such a grant of this user.
    pub async fn has_grant(&self, user: UserId, grant: GrantId) -> Result<bool, StoreError> {
        let values = args![grant, self.pool_id(), user];
        let found = self.engine().find(&GRANT, values, RowReader::row_id::<GrantId>).await?;
        Ok(found.is_some())
    }

    /// The next `most` consents of a user, by application: those after `after`. What of one cannot be read was not allowed.
    pub async fn consents_of(
        &self,
        user: UserId,
        after: Option<AppId>,
        most: i64,
    ) -> Result<Vec<GrantedConsent>, StoreError> {
        let read = |row: &mut RowReader| {
            Ok(GrantedConsent {
                application: row.parsed(AppId::parse)?,
                consent: Consent {
                    scope: Scope::read(&row.text()?).unwrap_or_default(),
                    claims: serde_json::from_str(&row.text()?).unwrap_or_default(),
                },
                granted_at: row.at()?,
            })
        };
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.engine().list(&CONSENTS, args![self.pool_id(), user, after, most], read).await
    }

    /// Forgets what a user allowed an application, which then asks again; `false` when it never did.
    pub async fn forget_consent(
        &self,
        user: UserId,
        application: AppId,
        act: impl Into<Act>,
    ) -> Result<bool, StoreError> {
        let batch = Batch::new().guard(&FORGET_CONSENT, args![self.pool_id(), user, application]);
        self.write(self.record(batch, &act.into())).await
    }

    /// Grants of an application that are alive, the newest first: of those made before `before` as many as were found among
    /// the next few thousand, and where to go on if there may be more.
    pub async fn grants_given_to(
        &self,
        application: AppId,
        before: Option<GrantId>,
        now: Timestamp,
        most: usize,
    ) -> Result<(Vec<Grant>, Option<GrantId>), StoreError> {
        let (mut alive, mut last) = (Vec::new(), before);
        for _ in 0..ROUNDS {
            let values = args![self.pool_id(), application, before_all(last)];
            let met = self.engine().list(&GIVEN, values, grant::read).await?;
            let all = met.len() < CANDIDATES;
            for grant in met {
                if alive.len() == most {
                    return Ok((alive, last));
                }
                last = Some(grant.id);
                alive.extend(Some(grant).filter(|one| one.revoked_at.is_none() && now.0 < one.expires_at.0));
            }
            if all {
                return Ok((alive, None));
            }
        }
        Ok((alive, last))
    }
}

/// An id, or one greater than all.
fn before_all<Id: RowId>(id: Option<Id>) -> [u8; 16] {
    id.map_or([0xff; 16], |id| id.bytes())
}
