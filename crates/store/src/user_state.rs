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
    turn::{Leaf, Turn},
};

const SESSIONS: Sql = Sql {
    name: "user_sessions",
    text: "SELECT session_id, app_id, auth_time, amr, created_at, expires_at FROM session
           WHERE pool_id = $1 AND user_id = $2 AND session_id < $3 AND ended_at IS NULL AND expires_at > $4
           ORDER BY session_id DESC LIMIT $5",
};
const SESSIONS_BACK: Sql = Sql {
    name: "user_sessions_back",
    text: "SELECT session_id, app_id, auth_time, amr, created_at, expires_at FROM session
           WHERE pool_id = $1 AND user_id = $2 AND session_id > $3 AND ended_at IS NULL AND expires_at > $4
           ORDER BY session_id LIMIT $5",
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
const GRANTS_BACK: Sql = Sql {
    name: "user_grants_back",
    text: concat!(
        "SELECT ",
        grant_columns!(),
        " FROM user_grant g WHERE g.pool_id = $1 AND g.user_id = $2 AND g.grant_id > $3
              AND g.revoked_at IS NULL AND g.expires_at > $4
          ORDER BY g.grant_id LIMIT $5"
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
const CONSENTS_BACK: Sql = Sql {
    name: "user_consents_back",
    text: "SELECT app_id, scope, claims, granted_at FROM consent
           WHERE pool_id = $1 AND user_id = $2 AND app_id < $3 ORDER BY app_id DESC LIMIT $4",
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
const GIVEN_BACK: Sql = Sql {
    name: "application_grants_back",
    text: concat!(
        "SELECT ",
        grant_columns!(),
        " FROM user_grant g WHERE g.pool_id = $1 AND g.app_id = $2 AND g.grant_id > $3
          ORDER BY g.grant_id LIMIT 250"
    ),
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &SESSIONS,
    &SESSIONS_BACK,
    &SESSION,
    &GRANTS,
    &GRANTS_BACK,
    &GRANT,
    &CONSENTS,
    &CONSENTS_BACK,
    &FORGET_CONSENT,
    &GIVEN,
    &GIVEN_BACK,
];

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
    /// A page of the sessions of a user that are alive, the newest first.
    pub async fn sessions_of(
        &self,
        user: UserId,
        turn: Turn<SessionId>,
        now: Timestamp,
        most: usize,
    ) -> Result<Leaf<OpenSession, SessionId>, StoreError> {
        let values = |bound, limit| args![self.pool_id(), user, bound, now, limit];
        let pair = [&SESSIONS, &SESSIONS_BACK];
        self.leaf(pair, (turn, most), values, read_session, |session| session.id).await
    }

    /// Whether there is such a session of this user.
    pub async fn has_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let values = args![session, self.pool_id(), user];
        let found = self.engine().find(&SESSION, values, RowReader::row_id::<SessionId>).await?;
        Ok(found.is_some())
    }

    /// A page of the grants of a user that are alive, the newest first.
    pub async fn grants_of(
        &self,
        user: UserId,
        turn: Turn<GrantId>,
        now: Timestamp,
        most: usize,
    ) -> Result<Leaf<Grant, GrantId>, StoreError> {
        let values = |bound, limit| args![self.pool_id(), user, bound, now, limit];
        let pair = [&GRANTS, &GRANTS_BACK];
        self.leaf(pair, (turn, most), values, grant::read, |grant| grant.id).await
    }

    /// Whether there is such a grant of this user.
    pub async fn has_grant(&self, user: UserId, grant: GrantId) -> Result<bool, StoreError> {
        let values = args![grant, self.pool_id(), user];
        let found = self.engine().find(&GRANT, values, RowReader::row_id::<GrantId>).await?;
        Ok(found.is_some())
    }

    /// A page of the consents of a user, by application. What of one cannot be read was not allowed.
    pub async fn consents_of(
        &self,
        user: UserId,
        turn: Turn<AppId>,
        most: usize,
    ) -> Result<Leaf<GrantedConsent, AppId>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let values = |bound: String| args![self.pool_id(), user, bound, limit];
        let key = |one: &GrantedConsent| one.application;
        let from = match turn {
            Turn::First => None,
            Turn::Behind(one) => Some(one),
            Turn::Before(one) => {
                let rows = self.engine().list(&CONSENTS_BACK, values(one.to_string()), read_consent).await?;
                match Leaf::back(rows, most, key) {
                    Some(leaf) => return Ok(leaf),
                    None => None,
                }
            }
        };
        let bound = from.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.engine().list(&CONSENTS, values(bound), read_consent).await?;
        Ok(Leaf::onward(rows, from, most, key))
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

    /// A page of the grants of an application that are alive, the newest first: as many as were found among the next few
    /// thousand, and where to go on if there may be more.
    pub async fn grants_given_to(
        &self,
        application: AppId,
        turn: Turn<GrantId>,
        now: Timestamp,
        most: usize,
    ) -> Result<Leaf<Grant, GrantId>, StoreError> {
        let from = match turn {
            Turn::First => None,
            Turn::Behind(one) => Some(one),
            Turn::Before(one) => {
                let Met { mut alive, first, further } =
                    self.given(&GIVEN_BACK, application, (one.bytes(), now), most).await?;
                if further.is_some() {
                    alive.reverse();
                    return Ok(Leaf { rows: alive, previous: further, next: first });
                }
                None
            }
        };
        let bound = from.map_or([0xff; 16], |one| one.bytes());
        let Met { alive, first, further } = self.given(&GIVEN, application, (bound, now), most).await?;
        Ok(Leaf { rows: alive, previous: from.map(|from| first.unwrap_or(from)), next: further })
    }

    async fn given(
        &self,
        sql: &'static Sql,
        application: AppId,
        (mut bound, now): ([u8; 16], Timestamp),
        most: usize,
    ) -> Result<Met, StoreError> {
        let (mut alive, mut first, mut last) = (Vec::new(), None, None);
        for _ in 0..ROUNDS {
            let values = args![self.pool_id(), application, bound];
            let met = self.engine().list(sql, values, grant::read).await?;
            let all = met.len() < CANDIDATES;
            for grant in met {
                if alive.len() == most {
                    return Ok(Met { alive, first, further: last });
                }
                (last, bound) = (Some(grant.id), grant.id.bytes());
                first = first.or(last);
                alive.extend(Some(grant).filter(|one| one.revoked_at.is_none() && now.0 < one.expires_at.0));
            }
            if all {
                return Ok(Met { alive, first, further: None });
            }
        }
        Ok(Met { alive, first, further: last })
    }
}

/// What is alive of the next few thousand grants that are met.
struct Met {
    alive: Vec<Grant>,
    /// The first that was met, alive or not.
    first: Option<GrantId>,
    /// The last, if there may be more.
    further: Option<GrantId>,
}

fn read_session(row: &mut RowReader) -> Result<OpenSession, StoreError> {
    Ok(OpenSession {
        id: row.row_id()?,
        application: row.opt_parsed(AppId::parse)?,
        auth_time: row.at()?,
        amr: Amr::parse(&row.text()?),
        created_at: row.at()?,
        expires_at: row.at()?,
    })
}

fn read_consent(row: &mut RowReader) -> Result<GrantedConsent, StoreError> {
    Ok(GrantedConsent {
        application: row.parsed(AppId::parse)?,
        consent: Consent {
            scope: Scope::read(&row.text()?).unwrap_or_default(),
            claims: serde_json::from_str(&row.text()?).unwrap_or_default(),
        },
        granted_at: row.at()?,
    })
}
