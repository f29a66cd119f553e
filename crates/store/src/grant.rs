//! Grants: what a user gave a client, and its revocation.

use signet_protocol::{
    amr::Amr,
    claims_request::ClaimsRequest,
    grant::Grant,
    id::{AppId, GrantId, PoolId, SessionId, UserId},
    issuer::IssuerId,
    resource::{ApiIdentifier, GrantItems},
    scope::Scope,
    time::Timestamp,
};

use crate::{
    Store, StoreError, args,
    audit::Act,
    change::Changed,
    sql::{Batch, Bulk, RowReader, Sql},
};

/// The columns [`read`] wants, of a `user_grant` called `g`.
macro_rules! grant_columns {
    () => {
        "g.grant_id, g.pool_id, g.issuer, g.app_id, g.user_id, g.session_id, COALESCE(g.sid, g.session_id), g.scope,
         g.offline, g.auth_time, g.amr, g.claims, g.created_at, g.expires_at, g.revoked_at, g.rejected_scope,
         g.api, g.ip"
    };
}
pub(crate) use grant_columns;

const INSERT: Sql = Sql {
    name: "grant_insert",
    text: "INSERT INTO user_grant (grant_id, pool_id, issuer, app_id, user_id, session_id, scope, offline, auth_time,
               amr, claims, created_at, expires_at, rejected_scope, api, ip)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
};
const LOAD_CLAIMS: Sql = Sql {
    name: "grant_load_claims",
    text: "SELECT claims FROM user_grant WHERE grant_id = $1 AND pool_id = $2",
};
const HOLD: Sql = Sql {
    name: "grant_hold",
    text: "SELECT 1 FROM user_grant WHERE grant_id = $1 AND pool_id = $2 AND revoked_at IS NULL",
};
/// No other statement changes when a grant ends: it never ends sooner than it was read to. Seldom finds anything to do, which spares
/// the index on `expires_at`.
const EXTEND: Sql = Sql {
    name: "grant_extend",
    text: "UPDATE user_grant SET expires_at = $3 WHERE grant_id = $1 AND pool_id = $2 AND expires_at < $3",
};
const REVOKE: Sql = Sql {
    name: "grant_revoke",
    text: "UPDATE user_grant SET revoked_at = $3 WHERE grant_id = $1 AND pool_id = $2 AND revoked_at IS NULL",
};
/// A denial lives as long as what it denies: the grant ends when nothing made from it can be alive any more.
const DENY: Sql = Sql {
    name: "grant_deny",
    text: "INSERT INTO revocation (pool_id, key, revoked_at, expires_at)
           SELECT pool_id, grant_id, $3, expires_at FROM user_grant WHERE grant_id = $1 AND pool_id = $2
           ON CONFLICT (pool_id, key) DO NOTHING",
};
/// The client goes on calling the session by the name it was told.
const MOVE: Sql = Sql {
    name: "grant_move",
    text: "UPDATE user_grant SET session_id = $3, sid = COALESCE(sid, session_id)
           WHERE session_id = $1 AND NOT pool_id <> $2",
};

pub(crate) const BULK_HOLD: Bulk = Bulk {
    one: &HOLD,
    many: "SELECT 1 FROM user_grant WHERE grant_id = ANY ($1) AND NOT pool_id <> $2 AND revoked_at IS NULL",
    each: &[1],
};
pub(crate) const BULK_INSERT: Bulk = Bulk {
    one: &INSERT,
    many: "INSERT INTO user_grant (grant_id, pool_id, issuer, app_id, user_id, session_id, scope, offline, auth_time,
               amr, claims, created_at, expires_at, rejected_scope, api, ip)
           SELECT grant_id, $2, issuer, app_id, user_id, session_id, scope, offline, auth_time, amr, claims,
               created_at, expires_at, rejected_scope, api, ip
           FROM unnest($1::bytea[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::boolean[],
               $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::text[], $15::text[],
               $16::text[])
               AS one (grant_id, issuer, app_id, user_id, session_id, scope, offline, auth_time, amr, claims,
               created_at, expires_at, rejected_scope, api, ip)",
    each: &[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
};
pub(crate) const BULK_EXTEND: Bulk = Bulk {
    one: &EXTEND,
    many: "UPDATE user_grant SET expires_at = ($3::bigint[])[array_position($1::bytea[], grant_id)]
           WHERE grant_id = ANY ($1) AND NOT pool_id <> $2
               AND expires_at < ($3::bigint[])[array_position($1::bytea[], grant_id)]",
    each: &[1, 3],
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &LOAD_CLAIMS, &HOLD, &EXTEND, &REVOKE, &DENY, &MOVE];

impl Store {
    /// Revokes a grant: its refresh tokens, and its access tokens at every node within a second (RFC 7009 §2.1).
    /// `false` when it does not exist or was revoked before, by whichever node: this one knows it then, too.
    pub async fn revoke_grant(&self, id: GrantId, act: impl Into<Act>) -> Result<bool, StoreError> {
        let act = act.into();
        let values = args![id, self.pool_id(), act.now.timestamp()];
        let batch = Batch::new().guard(&REVOKE, values.clone()).then(&DENY, values);
        let revoked = self.commit(self.record(batch, &act), vec![Changed::Revocations], act.now).await?;
        if !revoked {
            self.learn_revocation(id).await?;
        }
        Ok(revoked)
    }

    /// What was asked for one by one when the grant was made; nothing when there is no such grant any more.
    pub async fn asked_claims(&self, id: GrantId) -> Result<ClaimsRequest, StoreError> {
        let asked = self.engine().find(&LOAD_CLAIMS, args![id, self.pool_id()], claims).await?;
        Ok(asked.unwrap_or_default())
    }

    pub(crate) fn insert_grant(&self, batch: Batch, grant: &Grant) -> Batch {
        let GrantItems { rejected, api, ip } = &grant.items;
        let row = args![
            grant.id,
            self.pool_id(),
            grant.issuer,
            grant.application,
            grant.user,
            grant.session,
            &grant.scope,
            grant.offline,
            grant.auth_time,
            grant.amr.to_string(),
            grant.claims.stored(),
            grant.created_at,
            grant.expires_at,
            (!rejected.is_empty()).then(|| rejected.to_string()),
            api.as_ref().map(ApiIdentifier::as_str),
            ip.map(|ip| ip.to_string()),
        ];
        batch.then(&INSERT, row)
    }

    /// A batch that begins with the grant not being revoked.
    pub(crate) fn hold_grant(&self, id: GrantId) -> Batch {
        Batch::new().hold(&HOLD, args![id, self.pool_id()])
    }

    /// Adds that the grant is kept at least until `until`, if that is not known already. It follows the guards: whatever they
    /// refuse has then changed nothing.
    pub(crate) fn keep_grant(&self, batch: Batch, id: GrantId, until: Option<Timestamp>) -> Batch {
        match until {
            Some(until) => batch.then(&EXTEND, args![id, self.pool_id(), until]),
            None => batch,
        }
    }

    /// Adds that the grants of session `from` hang off session `to`.
    pub(crate) fn move_grants(&self, batch: Batch, from: SessionId, to: SessionId) -> Batch {
        batch.then(&MOVE, args![from, self.pool_id(), to])
    }
}

fn claims(row: &mut RowReader) -> Result<ClaimsRequest, StoreError> {
    let asked = row.opt_parsed(|text| ClaimsRequest::parse(text).ok())?;
    Ok(asked.unwrap_or_default())
}

/// What cannot be read is an error: without it the grant would mean more.
fn items(row: &mut RowReader) -> Result<GrantItems, StoreError> {
    Ok(GrantItems {
        rejected: row.opt_parsed(|text| Scope::read(text).ok())?.unwrap_or_default(),
        api: row.opt_parsed(|text| ApiIdentifier::parse(text).ok())?,
        ip: row.opt_parsed(|text| text.parse().ok())?,
    })
}

pub(crate) fn read(row: &mut RowReader) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: row.row_id()?,
        pool: row.parsed(PoolId::parse)?,
        issuer: row.parsed(IssuerId::parse)?,
        application: row.parsed(AppId::parse)?,
        user: row.parsed(UserId::parse)?,
        session: row.row_id()?,
        sid: row.row_id()?,
        scope: row.parsed(|text| Scope::read(text).ok())?,
        offline: row.bool()?,
        auth_time: row.at()?,
        amr: Amr::parse(&row.text()?),
        claims: claims(row)?,
        created_at: row.at()?,
        expires_at: row.at()?,
        revoked_at: row.opt_at()?,
        items: items(row)?,
    })
}
