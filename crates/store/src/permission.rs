//! Resources and rules: what is stored of them, and the snapshot that decides.

use std::sync::Arc;

use signet_protocol::{
    account::Account,
    id::{AccountId, AppId},
    jose::sha256,
    resource::{ApiIdentifier, Permissions, Resource, ResourceCode, Resources, Rule, Subject},
};

use crate::{
    Store, StoreError, args,
    rows::json,
    sql::{Batch, Row, RowReader, Sql, Value},
};

/// All in one statement, so that it is of one moment: a rule that came or went with a resource does so here.
const SNAPSHOT: Sql = Sql {
    name: "permission_snapshot",
    text: "SELECT CAST(0 AS BIGINT), content FROM resource WHERE pool_id = $1 AND namespace = $2
           UNION ALL SELECT 1, content FROM resource WHERE pool_id = $1 AND namespace = $1
           UNION ALL SELECT 2, content FROM rule WHERE pool_id = $1 AND app_id = $2",
};
const RESOURCES: Sql = Sql {
    name: "resource_list",
    text: "SELECT content FROM resource WHERE pool_id = $1 AND namespace = $2 ORDER BY code",
};
const RESOURCE: Sql = Sql {
    name: "resource_load",
    text: "SELECT content FROM resource WHERE pool_id = $1 AND namespace = $2 AND code = $3",
};
const RESOURCE_PAGE: Sql = Sql {
    name: "resource_page",
    text: "SELECT content FROM resource WHERE pool_id = $1 AND namespace = $2 AND code > $3 ORDER BY code LIMIT $4",
};
const RESOURCE_COUNT: Sql = Sql {
    name: "resource_count",
    text: "SELECT count(*) FROM resource WHERE pool_id = $1 AND namespace = $2",
};
const CODES: Sql =
    Sql { name: "resource_codes", text: "SELECT namespace, code FROM resource WHERE pool_id = $1" };
/// No index: who asks is an operator who claims one.
const APIS: Sql = Sql {
    name: "resource_apis",
    text: "SELECT namespace, content FROM resource WHERE pool_id = $1 AND content LIKE '%\"api_identifier\":%'",
};
const PUT_RESOURCE: Sql = Sql {
    name: "resource_put",
    text: "INSERT INTO resource (pool_id, namespace, code, content) VALUES ($1, $2, $3, $4)
           ON CONFLICT (pool_id, namespace, code) DO UPDATE SET content = $4",
};
const DELETE_RESOURCE: Sql = Sql {
    name: "resource_delete",
    text: "DELETE FROM resource WHERE pool_id = $1 AND namespace = $2 AND code = $3",
};
const RULES: Sql =
    Sql { name: "rule_list", text: "SELECT content FROM rule WHERE pool_id = $1 AND app_id = $2" };
const RULE: Sql = Sql {
    name: "rule_load",
    text: "SELECT content FROM rule WHERE pool_id = $1 AND app_id = $2 AND key = $3",
};
const RULE_COUNT: Sql =
    Sql { name: "rule_count", text: "SELECT count(*) FROM rule WHERE pool_id = $1 AND app_id = $2" };
const RULES_ABOUT: Sql = Sql {
    name: "rule_count_about",
    text: "SELECT count(*) FROM rule WHERE pool_id = $1 AND app_id = $2 AND account_id = $3",
};
/// Rules about users, roles and groups, and those about accounts: the engines do not agree where nulls come.
const RULES_OF_OTHERS: Sql = Sql {
    name: "rule_page_of_others",
    text: "SELECT content FROM rule WHERE pool_id = $1 AND app_id = $2 AND account_id IS NULL AND key > $3
           ORDER BY key LIMIT $4",
};
const RULES_OF_ACCOUNTS: Sql = Sql {
    name: "rule_page_of_accounts",
    text: "SELECT content FROM rule WHERE pool_id = $1 AND app_id = $2 AND (account_id, key) > ($3, $4)
           ORDER BY account_id, key LIMIT $5",
};
const RULED: Sql =
    Sql { name: "rule_applications", text: "SELECT DISTINCT app_id FROM rule WHERE pool_id = $1" };
const INSERT_RULE: Sql = Sql {
    name: "rule_insert",
    text: "INSERT INTO rule (pool_id, app_id, key, account_id, content) VALUES ($1, $2, $3, $4, $5)",
};
const DELETE_RULE: Sql =
    Sql { name: "rule_delete", text: "DELETE FROM rule WHERE pool_id = $1 AND app_id = $2 AND key = $3" };
const DELETE_RULES_ABOUT: Sql = Sql {
    name: "rule_delete_about",
    text: "DELETE FROM rule WHERE pool_id = $1 AND app_id = $2 AND account_id = $3",
};

pub(crate) const STATEMENTS: &[&Sql] = &[
    &SNAPSHOT,
    &RESOURCES,
    &RESOURCE,
    &RESOURCE_PAGE,
    &RESOURCE_COUNT,
    &CODES,
    &APIS,
    &PUT_RESOURCE,
    &DELETE_RESOURCE,
    &RULES,
    &RULE,
    &RULE_COUNT,
    &RULES_ABOUT,
    &RULES_OF_OTHERS,
    &RULES_OF_ACCOUNTS,
    &RULED,
    &INSERT_RULE,
    &DELETE_RULE,
    &DELETE_RULES_ABOUT,
];

/// A place in the list of an application's rules: behind one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulePlace {
    /// The account it is about, if it is about one.
    pub account: Option<AccountId>,
    /// By which it is stored.
    pub key: [u8; 32],
}

impl RulePlace {
    /// Behind this rule.
    pub fn of(rule: &Rule) -> Result<RulePlace, StoreError> {
        let account = match rule.subject {
            Subject::Account(id) => Some(id),
            _ => None,
        };
        Ok(RulePlace { account, key: keyed(rule)?.0 })
    }
}

impl Store {
    /// What the rules of an application allow whom. A change made by another node is seen within a second.
    pub async fn permissions(&self, application: AppId) -> Result<Arc<Permissions>, StoreError> {
        if let Ok(permissions) = self.0.permissions.get(&application) {
            return Ok(permissions);
        }
        // One is made at a time: there may be hundreds of thousands of rules, and everybody waits for the same.
        let mut of_pool = self.0.making_permissions.lock().await;
        let ticket = match self.0.permissions.get(&application) {
            Ok(permissions) => return Ok(permissions),
            Err(ticket) => ticket,
        };
        let rows = self.engine().read(&SNAPSHOT, args![self.pool_id(), application]).await?;
        let kept = of_pool.upgrade();
        let made = tokio::task::spawn_blocking(move || make(rows, kept)).await;
        let (permissions, pool) =
            made.unwrap_or_else(|error| Err(StoreError::Internal(error.to_string())))?;
        *of_pool = Arc::downgrade(&pool);
        Ok(self.0.permissions.put(ticket, application, permissions))
    }

    /// The resources of an application, or with `None` the pool's own, by code, as the database has them now.
    pub async fn stored_resources(&self, of: Option<AppId>) -> Result<Vec<Resource>, StoreError> {
        self.engine().list(&RESOURCES, args![self.pool_id(), self.namespace(of)], RowReader::json).await
    }

    /// The next `limit` of the same behind a code.
    pub async fn resource_page(
        &self,
        of: Option<AppId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Resource>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = args![self.pool_id(), self.namespace(of), after.unwrap_or_default(), limit];
        self.engine().list(&RESOURCE_PAGE, values, RowReader::json).await
    }

    /// One of them.
    pub async fn stored_resource(
        &self,
        of: Option<AppId>,
        code: &str,
    ) -> Result<Option<Resource>, StoreError> {
        let key = args![self.pool_id(), self.namespace(of), code];
        self.engine().find(&RESOURCE, key, RowReader::json).await
    }

    /// How many there are.
    pub async fn count_resources(&self, of: Option<AppId>) -> Result<usize, StoreError> {
        self.counted(&RESOURCE_COUNT, args![self.pool_id(), self.namespace(of)]).await
    }

    /// The codes of all resources, with the application that has them; `None`: the pool.
    pub async fn resource_codes(&self) -> Result<Vec<(Option<AppId>, ResourceCode)>, StoreError> {
        let pool = self.pool_id().to_string();
        let read = |row: &mut RowReader| {
            let namespace = row.text()?;
            let of = AppId::parse(&namespace).filter(|_| namespace != pool);
            Ok((of, row.parsed(|text| ResourceCode::parse(text).ok())?))
        };
        self.engine().list(&CODES, args![self.pool_id()], read).await
    }

    /// The API identifiers that resources have, with the application of each; `None`: the pool.
    pub async fn resource_apis(&self) -> Result<Vec<(Option<AppId>, ApiIdentifier)>, StoreError> {
        let pool = self.pool_id().to_string();
        let read = |row: &mut RowReader| {
            let namespace = row.text()?;
            let of = AppId::parse(&namespace).filter(|_| namespace != pool);
            Ok((of, row.json::<Resource>()?.api_identifier))
        };
        let all = self.engine().list(&APIS, args![self.pool_id()], read).await?;
        Ok(all.into_iter().filter_map(|(of, api)| Some((of, api?))).collect())
    }

    /// The rules of an application as the database has them now, in no order.
    pub async fn stored_rules(&self, application: AppId) -> Result<Vec<Rule>, StoreError> {
        self.engine().list(&RULES, args![self.pool_id(), application], RowReader::json).await
    }

    /// The rule of an application that is stored by this key.
    pub async fn stored_rule(&self, application: AppId, key: [u8; 32]) -> Result<Option<Rule>, StoreError> {
        self.engine().find(&RULE, args![self.pool_id(), application, key], RowReader::json).await
    }

    /// How many rules an application has.
    pub async fn count_rules(&self, application: AppId) -> Result<usize, StoreError> {
        self.counted(&RULE_COUNT, args![self.pool_id(), application]).await
    }

    /// How many of them are about an account.
    pub async fn count_rules_about(
        &self,
        application: AppId,
        account: AccountId,
    ) -> Result<usize, StoreError> {
        self.counted(&RULES_ABOUT, args![self.pool_id(), application, account]).await
    }

    /// What a statement that counts has counted.
    pub(crate) async fn counted(&self, sql: &'static Sql, values: Vec<Value>) -> Result<usize, StoreError> {
        let found = self.engine().find(sql, values, RowReader::int).await?.unwrap_or_default();
        Ok(usize::try_from(found).unwrap_or_default())
    }

    /// The next `limit` rules of an application behind a place: those about users, roles and groups, then those about accounts,
    /// the ones about one account together.
    pub async fn rule_page(
        &self,
        application: AppId,
        after: Option<RulePlace>,
        limit: usize,
    ) -> Result<Vec<Rule>, StoreError> {
        let (pool, most) =
            (self.pool_id(), |len: usize| i64::try_from(limit - len.min(limit)).unwrap_or(i64::MAX));
        let mut rules = Vec::new();
        let behind = match after {
            Some(RulePlace { account: Some(account), key }) => (account.to_string(), key.to_vec()),
            after => {
                let key = after.map_or_else(Vec::new, |after| after.key.to_vec());
                let values = args![pool, application, key, most(0)];
                rules = self.engine().list(&RULES_OF_OTHERS, values, RowReader::json).await?;
                (String::new(), Vec::new())
            }
        };
        if rules.len() < limit {
            let values = args![pool, application, behind.0, behind.1, most(rules.len())];
            rules.extend(self.engine().list(&RULES_OF_ACCOUNTS, values, RowReader::json).await?);
        }
        Ok(rules)
    }

    /// The applications that have rules.
    pub async fn applications_with_rules(&self) -> Result<Vec<AppId>, StoreError> {
        self.engine().list(&RULED, args![self.pool_id()], |row| row.parsed(AppId::parse)).await
    }

    /// A namespace by the id of what has it.
    fn namespace(&self, of: Option<AppId>) -> Value {
        of.map_or_else(|| self.pool_id().into(), Value::from)
    }

    pub(crate) fn change_resources(
        &self,
        batch: Batch,
        of: Option<AppId>,
        put: &[Resource],
        removed: &[ResourceCode],
    ) -> Result<Batch, StoreError> {
        let key = |code: &ResourceCode| args![self.pool_id(), self.namespace(of), code.as_str()];
        let batch = removed.iter().fold(batch, |batch, code| batch.guard(&DELETE_RESOURCE, key(code)));
        put.iter().try_fold(batch, |batch, resource| {
            let mut row = key(&resource.code);
            row.push(json(resource)?);
            Ok(batch.then(&PUT_RESOURCE, row))
        })
    }

    pub(crate) fn change_rules(
        &self,
        batch: Batch,
        application: AppId,
        added: &[Rule],
        removed: &[Rule],
    ) -> Result<Batch, StoreError> {
        let batch = removed.iter().try_fold(batch, |batch, rule| {
            let (key, _) = keyed(rule)?;
            Ok::<_, StoreError>(batch.guard(&DELETE_RULE, args![self.pool_id(), application, key]))
        })?;
        added.iter().try_fold(batch, |batch, rule| {
            let (key, content) = keyed(rule)?;
            let account = match rule.subject {
                Subject::Account(id) => Some(id.to_string()),
                _ => None,
            };
            Ok(batch.then(&INSERT_RULE, args![self.pool_id(), application, key, account, content]))
        })
    }

    pub(crate) fn delete_rules_about(&self, batch: Batch, account: &Account) -> Batch {
        batch.then(&DELETE_RULES_ABOUT, args![self.pool_id(), account.application, account.id])
    }
}

/// A rule with the key it is stored by: the same rule is stored once.
fn keyed(rule: &Rule) -> Result<([u8; 32], Value), StoreError> {
    let text = serde_json::to_string(rule).map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok((sha256(text.as_bytes()), Value::Text(text)))
}

/// The snapshot of these rows, and the pool's resources: `kept`, if that is what they are still.
fn make(rows: Vec<Row>, kept: Option<Arc<Resources>>) -> Result<(Permissions, Arc<Resources>), StoreError> {
    let (mut own, mut pool, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let mut reader = row.reader(SNAPSHOT.name);
        match reader.int()? {
            0 => own.push(reader.json()?),
            1 => pool.push(reader.json()?),
            _ => rules.push(reader.json()?),
        }
        reader.finish()?;
    }
    let (own, pool) = (Arc::new(resources(own)?), resources(pool)?);
    let pool = kept.filter(|kept| **kept == pool).unwrap_or_else(|| Arc::new(pool));
    Ok((Permissions::new(own, Arc::clone(&pool), rules), pool))
}

fn resources(list: Vec<Resource>) -> Result<Resources, StoreError> {
    Resources::new(list).map_err(|errors| {
        let first = errors.first().map(|(_, error)| error.to_string());
        StoreError::corrupt(format!("resources: {}", first.unwrap_or_default()))
    })
}
