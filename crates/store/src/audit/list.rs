//! The records by what an administrator looks for, newest first, page by page.

use signet_protocol::{
    jose,
    time::{Now, Timestamp},
};

use super::{Action, Kind, Record, audit_columns, read};
use crate::{Store, StoreError, args, sql::Sql};

/// A statement that finds records by one column that has an index, and by all others on the way. Only sealed ones: the
/// indexes have no others, so that an act that writes a record pays for none of them.
macro_rules! list {
    ($sql:ident, $name:literal, $which:literal) => {
        pub(super) static $sql: [Sql; 2] =
    [list!(@one $name, $which, "DESC"), list!(@one concat!($name, "_forward"), $which, "ASC")];
    };
    (@one $name:expr, $which:literal, $order:literal) => {
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
}
list!(ALL, "audit_list", "NOT pool_id <> $1");
list!(OF_KIND, "audit_of_kind", "pool_id = $1 AND kind = $4");
list!(OF_ACTION, "audit_of_action", "pool_id = $1 AND action = $5");
list!(OF_ACTOR, "audit_of_actor", "pool_id = $1 AND actor_id = $6");
list!(OF_APPLICATION, "audit_of_application", "pool_id = $1 AND app_id = $7");
list!(ON_TARGET, "audit_on_target", "pool_id = $1 AND target_id = $8");
list!(FROM_IP, "audit_from_ip", "pool_id = $1 AND ip = $9");
list!(OF_REQUEST, "audit_of_request", "pool_id = $1 AND request_id = $10");
list!(FAILED, "audit_failed", "pool_id = $1 AND NOT success");

/// Most records of a page.
const PAGE: i64 = 1000;

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
    /// The statement that finds the fewest rows on the way, as far as can be said of it beforehand.
    fn statement(&self) -> &'static [Sql; 2] {
        let given = [
            (self.request_id.is_some(), &OF_REQUEST),
            (self.target.is_some(), &ON_TARGET),
            (self.actor.is_some(), &OF_ACTOR),
            (self.ip.is_some(), &FROM_IP),
            (self.success == Some(false), &FAILED),
            (self.action.is_some(), &OF_ACTION),
            (self.application.is_some(), &OF_APPLICATION),
            (self.kind.is_some(), &OF_KIND),
        ];
        given.into_iter().find(|(given, _)| *given).map_or(&ALL, |(_, statement)| statement)
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
        let values = args![
            self.pool_id(),
            above,
            below,
            filter.kind.map(Kind::as_str),
            filter.action.map(Action::as_str),
            filter.actor.as_deref(),
            filter.application.as_deref(),
            filter.target.as_deref(),
            filter.ip.as_deref(),
            filter.request_id.as_deref(),
            filter.success,
            limit + 1,
        ];
        let [backward, forward] = filter.statement();
        let sql = if page.forward { forward } else { backward };
        let mut records = self.engine().list(sql, values, read).await?;
        let more = records.len() > usize::try_from(limit).unwrap_or_default();
        if more {
            records.pop();
        }
        let next = records.last().filter(|_| more).map(Record::cursor);
        Ok(Page { records, next })
    }
}

/// The greatest key that is older than `at`: keys begin with the milliseconds of their making.
fn before(at: Timestamp) -> [u8; 16] {
    let millis = Now::from_millis(at.0.saturating_mul(1000)).millis().saturating_sub(1).max(0);
    let mut key = [0xff; 16];
    let time = millis.to_be_bytes();
    key.iter_mut().zip(time.iter().skip(2)).for_each(|(to, from)| *to = *from);
    key
}
