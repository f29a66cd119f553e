//! Chains of refresh tokens: one row each, moved on under guard.

use signet_protocol::{
    id::{FamilyId, GrantId},
    refresh::{REPEATS_MAX, RefreshFamily},
    time::{Now, Timestamp},
};

use crate::{
    NewFamily, Store, StoreError, args, grant,
    sql::{Batch, Bulk, RowReader, Sql},
};

const INSERT: Sql = Sql {
    name: "family_insert",
    text: "INSERT INTO refresh_family (family_id, pool_id, grant_id, generation, rotated_at, repeats, created_at,
               expires_at)
           VALUES ($1, $2, $3, 0, $4, 0, $4, $5)",
};
const LOAD: Sql = Sql {
    name: "family_load",
    text: concat!(
        "SELECT f.family_id, f.generation, f.rotated_at, f.repeats, f.expires_at, ",
        grant::grant_columns!(),
        " FROM refresh_family f JOIN user_grant g ON g.grant_id = f.grant_id
          WHERE f.family_id = $1 AND f.pool_id = $2"
    ),
};
const ROTATE: Sql = Sql {
    name: "family_rotate",
    text: "UPDATE refresh_family SET generation = generation + 1, rotated_at = $4, repeats = 0
           WHERE family_id = $1 AND pool_id = $2 AND grant_id = $5 AND generation = $3",
};
const REPEAT: Sql = Sql {
    name: "family_repeat",
    text: "UPDATE refresh_family SET repeats = repeats + 1
           WHERE family_id = $1 AND pool_id = $2 AND grant_id = $5 AND generation = $3 AND repeats < $4",
};

const HOLD: Sql = Sql {
    name: "family_hold",
    text: "SELECT 1 FROM refresh_family WHERE family_id = $1 AND pool_id = $2 AND grant_id = $3 AND generation = $4",
};

pub(crate) const BULK_ROTATE: Bulk = Bulk {
    one: &ROTATE,
    many: "UPDATE refresh_family SET generation = generation + 1, repeats = 0,
               rotated_at = ($4::bigint[])[array_position($1::bytea[], family_id)]
           WHERE family_id = ANY ($1) AND NOT pool_id <> $2
               AND grant_id = ($5::bytea[])[array_position($1, family_id)]
               AND generation = ($3::bigint[])[array_position($1, family_id)]",
    each: &[1, 3, 4, 5],
};
pub(crate) const BULK_INSERT: Bulk = Bulk {
    one: &INSERT,
    many: "INSERT INTO refresh_family (family_id, pool_id, grant_id, generation, rotated_at, repeats, created_at,
               expires_at)
           SELECT family_id, $2, grant_id, 0, at, 0, at, expires_at
           FROM unnest($1::bytea[], $3::bytea[], $4::bigint[], $5::bigint[]) AS one (family_id, grant_id, at, expires_at)",
    each: &[1, 3, 4, 5],
};

pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &LOAD, &ROTATE, &REPEAT, &HOLD];

impl Store {
    /// The chain of this id, whatever its state, with its grant. A new chain is at generation 0.
    pub async fn refresh_family(&self, id: FamilyId) -> Result<Option<RefreshFamily>, StoreError> {
        self.engine().look_up_one(&LOAD, args![id, self.pool_id()], read).await
    }

    /// Moves the chain on from generation `from`, durably, before anything is signed. `false` when it is no longer
    /// there or the grant was revoked; of any number of parallel calls one is `true` (attack 6).
    ///
    /// The grant is kept until `until` at least: when no access token that is signed now can be alive any more. `None` if it was
    /// read to be kept as long, which then stays so.
    pub async fn rotate(
        &self,
        id: FamilyId,
        grant: GrantId,
        from: i64,
        until: impl Into<Option<Timestamp>>,
        now: Now,
    ) -> Result<bool, StoreError> {
        let batch = self.hold_grant(grant);
        let batch = batch.guard(&ROTATE, args![id, self.pool_id(), from, now.timestamp(), grant]);
        self.write(self.keep_grant(batch, grant, until.into())).await
    }

    /// Counts one more handing-out of the token of `generation`; `false` when the chain has moved on, the grant was
    /// revoked, or it was handed out [`REPEATS_MAX`] times. The grant is kept as by [`Store::rotate`].
    pub async fn repeat(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: impl Into<Option<Timestamp>>,
    ) -> Result<bool, StoreError> {
        let batch = self.hold_grant(grant);
        let batch = batch.guard(&REPEAT, args![id, self.pool_id(), generation, REPEATS_MAX, grant]);
        self.write(self.keep_grant(batch, grant, until.into())).await
    }

    /// Leaves the chain at `generation`, for a client that goes on with the same token. `false` when it is no longer there or
    /// the grant was revoked. The grant is kept as by [`Store::rotate`].
    pub async fn reuse(
        &self,
        id: FamilyId,
        grant: GrantId,
        generation: i64,
        until: impl Into<Option<Timestamp>>,
    ) -> Result<bool, StoreError> {
        let batch = self.hold_grant(grant);
        let batch = batch.hold(&HOLD, args![id, self.pool_id(), grant, generation]);
        self.write(self.keep_grant(batch, grant, until.into())).await
    }

    pub(crate) fn insert_family(&self, batch: Batch, family: &NewFamily, grant: GrantId, now: Now) -> Batch {
        let row = args![family.id, self.pool_id(), grant, now.timestamp(), family.expires_at];
        batch.then(&INSERT, row)
    }
}

fn read(row: &mut RowReader) -> Result<RefreshFamily, StoreError> {
    let (id, generation, rotated_at) = (row.row_id()?, row.int()?, row.at()?);
    let (repeats, expires_at) = (row.int()?, row.at()?);
    Ok(RefreshFamily { id, grant: grant::read(row)?, generation, rotated_at, repeats, expires_at })
}
