//! The records by what an administrator looks for, newest first, page by page.

use signet_protocol::{
    id::PoolId,
    jose,
    time::{Now, Timestamp},
};

use super::{Action, Kind, Record, audit_columns, read};
use crate::{
    Store, StoreError, args,
    sql::{RowReader, Sql, Value},
};

/// How records are found by one column that has an index, newest first and oldest first.
pub(super) struct Way {
    /// The records, by all other columns on the way. Only sealed ones: the indexes have no others, so that an act that writes a
    /// record pays for none of them.
    pub(super) list: [Sql; 2],
    /// The last of so many of the index, whatever its other columns: how far a page looks that may not look at all of them.
    pub(super) horizon: [Sql; 2],
}

macro_rules! way {
    ($way:ident, $name:literal, $which:literal, $alone:literal) => {
        pub(super) static $way: Way = Way {
    list: [way!(@list $name, $which, "DESC"), way!(@list concat!($name, "_forward"), $which, "ASC")],
            horizon: [
        way!(@horizon concat!($name, "_horizon"), $alone, "DESC"),
        way!(@horizon concat!($name, "_horizon_forward"), $alone, "ASC"),
            ],
        };
    };
    (@list $name:expr, $which:literal, $order:literal) => {
        Sql {
            name: $name,
            text: concat!(
                "SELECT ",
                audit_columns!(),
                " FROM audit WHERE ",
                $which,
                " AND seq IS NOT NULL AND audit_id > $2 AND audit_id < $3
                 AND (kind = $4 OR $4 IS NULL) AND (action = $5 OR $5 IS NULL)
                 AND (actor_id = $6 OR $6 IS NULL) AND (app_id = $7 OR $7 IS NULL)
                 AND (target_id = $8 OR $8 IS NULL) AND (ip = $9 OR $9 IS NULL)
                 AND (request_id = $10 OR $10 IS NULL) AND (success = $11 OR $11 IS NULL)
                 ORDER BY audit_id ",
                $order,
                " LIMIT $12"
            ),
        }
    };
    (@horizon $name:expr, $which:literal, $order:literal) => {
        Sql {
            name: $name,
            text: concat!(
                "SELECT audit_id FROM audit WHERE ",
                $which,
                " AND seq IS NOT NULL AND audit_id > $2 AND audit_id < $3 ORDER BY audit_id ",
                $order,
                " LIMIT 1 OFFSET 1999"
            ),
        }
    };
}
way!(ALL, "audit_list", "NOT pool_id <> $1", "NOT pool_id <> $1");
way!(OF_KIND, "audit_of_kind", "pool_id = $1 AND kind = $4", "pool_id = $1 AND kind = $4");
way!(OF_ACTION, "audit_of_action", "pool_id = $1 AND action = $5", "pool_id = $1 AND action = $4");
way!(OF_ACTOR, "audit_of_actor", "pool_id = $1 AND actor_id = $6", "pool_id = $1 AND actor_id = $4");
way!(OF_APPLICATION, "audit_of_application", "pool_id = $1 AND app_id = $7", "pool_id = $1 AND app_id = $4");
way!(ON_TARGET, "audit_on_target", "pool_id = $1 AND target_id = $8", "pool_id = $1 AND target_id = $4");
way!(FROM_IP, "audit_from_ip", "pool_id = $1 AND ip = $9", "pool_id = $1 AND ip = $4");
way!(OF_REQUEST, "audit_of_request", "pool_id = $1 AND request_id = $10", "pool_id = $1 AND request_id = $4");
way!(FAILED, "audit_failed", "pool_id = $1 AND NOT success", "pool_id = $1 AND NOT success");

/// Most records of a page.
const PAGE: i64 = 1000;
/// So many times a page that is bounded looks at the 2000 records of a horizon.
const ROUNDS: usize = 2;

/// What is looked for; what is left out matters not.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In which log.
    pub kind: Option<Kind>,
    /// What was done.
    pub action: Option<Action>,
    /// Who did it, by id.
    pub actor: Option<String>,
    /// At which application, by App ID.
    pub application: Option<String>,
    /// To what, by id.
    pub target: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
    /// Whether it was done.
    pub success: Option<bool>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

/// Which page.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Behind this record, by [`Page::next`]; nothing: from the beginning.
    pub after: Option<String>,
    /// Records of the page, at most a thousand; 0: fifty.
    pub limit: i64,
    /// Oldest first.
    pub forward: bool,
    /// Whether whoever asks would rather have fewer records, and where to go on, than wait until enough rare ones are found.
    pub bounded: bool,
}

/// Records, newest first unless asked otherwise.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl Filter {
    /// The ways by which what is given is found, that first which finds the fewest rows, as far as can be said of it beforehand.
    fn ways(&self) -> Vec<(&'static Way, Option<Value>)> {
        let text = |text: &Option<String>| text.as_deref().map(|text| Some(text.into()));
        let given = [
            (&OF_REQUEST, text(&self.request_id)),
            (&ON_TARGET, text(&self.target)),
            (&OF_ACTOR, text(&self.actor)),
            (&FROM_IP, text(&self.ip)),
            (&FAILED, (self.success == Some(false)).then_some(None)),
            (&OF_ACTION, self.action.map(|action| Some(action.as_str().into()))),
            (&OF_APPLICATION, text(&self.application)),
            (&OF_KIND, self.kind.map(|kind| Some(kind.as_str().into()))),
        ];
        given.into_iter().filter_map(|(way, given)| Some((way, given?))).collect()
    }

    /// What is asked of each record of the pool between two keys.
    fn values(&self, pool: PoolId, [above, below]: [[u8; 16]; 2], limit: i64) -> Vec<Value> {
        args![
            pool,
            above,
            below,
            self.kind.map(Kind::as_str),
            self.action.map(Action::as_str),
            self.actor.as_deref(),
            self.application.as_deref(),
            self.target.as_deref(),
            self.ip.as_deref(),
            self.request_id.as_deref(),
            self.success,
            limit,
        ]
    }
}

impl Store {
    /// A page of the sealed records that `filter` finds. What was written less than a second ago may not be sealed yet.
    /// A cursor that is none begins at the beginning.
    pub async fn audit(&self, filter: &Filter, page: &Select) -> Result<Page, StoreError> {
        let after = page.after.as_deref().and_then(|text| <[u8; 16]>::try_from(jose::unb64(text)?).ok());
        let (mut above, mut below) =
            (filter.from.map_or([0; 16], before), filter.to.map_or([0xff; 16], before));
        match (after, page.forward) {
            (Some(key), true) => above = above.max(key),
            (Some(key), false) => below = below.min(key),
            (None, _) => {}
        }
        let limit = if page.limit == 0 { 50 } else { page.limit.clamp(1, PAGE) };
        let most = usize::try_from(limit).unwrap_or_default();
        let ways = filter.ways();
        let first = ways.first().map_or(&ALL, |(way, _)| way);
        let mut records = Vec::new();
        if !page.bounded || ways.len() < 2 {
            let values = filter.values(self.pool_id(), [above, below], limit + 1);
            records = self.engine().list(of(&first.list, page.forward), values, read).await?;
            return Ok(cut(records, most, None));
        }
        for _ in 0..ROUNDS {
            let (way, horizon) = self.rarest(&ways, [above, below], page.forward).await?;
            // Up to the horizon, and with it.
            let range = match (horizon, page.forward) {
                (Some(key), true) => [above, u128::to_be_bytes(u128::from_be_bytes(key).saturating_add(1))],
                (Some(key), false) => [u128::to_be_bytes(u128::from_be_bytes(key).saturating_sub(1)), below],
                (None, _) => [above, below],
            };
            let missing = i64::try_from(most + 1 - records.len()).unwrap_or(limit);
            let values = filter.values(self.pool_id(), range, missing);
            records.extend(self.engine().list(of(&way.list, page.forward), values, read).await?);
            let Some(key) = horizon.filter(|_| records.len() <= most) else {
                return Ok(cut(records, most, None));
            };
            if page.forward { above = key } else { below = key }
        }
        Ok(cut(records, most, Some(if page.forward { above } else { below })))
    }

    /// The way whose records are few enough to be looked at, all of them; or the first, and how far it is looked at.
    async fn rarest(
        &self,
        ways: &[(&'static Way, Option<Value>)],
        [above, below]: [[u8; 16]; 2],
        forward: bool,
    ) -> Result<(&'static Way, Option<[u8; 16]>), StoreError> {
        let mut first = None;
        for (way, value) in ways {
            let values = [args![self.pool_id(), above, below], value.iter().cloned().collect()].concat();
            let horizon = self.engine().find(of(&way.horizon, forward), values, RowReader::array).await?;
            if horizon.is_none() {
                return Ok((way, None));
            }
            first = first.or(Some((*way, horizon)));
        }
        Ok(first.unwrap_or((&ALL, None)))
    }
}

/// The statement for this direction.
fn of([backward, forward]: &'static [Sql; 2], is_forward: bool) -> &'static Sql {
    if is_forward { forward } else { backward }
}

/// As many as were asked for, and where it goes on: behind them if there is one more, or behind what was looked at.
fn cut(mut records: Vec<Record>, most: usize, looked_at: Option<[u8; 16]>) -> Page {
    let more = records.len() > most;
    records.truncate(most);
    let next = records.last().filter(|_| more).map(Record::cursor);
    Page { records, next: next.or_else(|| looked_at.map(|key| jose::b64(&key))) }
}

/// The greatest key that is older than `at`: keys begin with the milliseconds of their making.
fn before(at: Timestamp) -> [u8; 16] {
    let millis = Now::from_millis(at.0.saturating_mul(1000)).millis().saturating_sub(1).max(0);
    let mut key = [0xff; 16];
    let time = millis.to_be_bytes();
    key.iter_mut().zip(time.iter().skip(2)).for_each(|(to, from)| *to = *from);
    key
}
