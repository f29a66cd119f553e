//! Every registered statement is understood by both engines, and takes the same arguments on both.

use std::collections::{BTreeSet, HashSet};

use signet_store::{
    migrations::MIGRATIONS,
    sql::{self, Engine, Expect, Sql},
};

use crate::{Database, contract};

contract!(every_statement_prepares);

async fn every_statement_prepares(database: Database) {
    database.engine.migrate(MIGRATIONS).await.unwrap();
    for statement in sql::all() {
        let expected = placeholders(statement.text);
        assert_eq!(arity(&database.engine, statement, Expect::Any).await, expected, "{}", statement.name);
        if is_write(statement) {
            assert_eq!(arity(&database.engine, statement, Expect::One).await, expected, "{}", statement.name);
        }
        if statement.name.ends_with("_hold") {
            assert_eq!(
                arity(&database.engine, statement, Expect::Held).await,
                expected,
                "{}",
                statement.name
            );
        }
    }
}

async fn arity(engine: &Engine, statement: &'static Sql, expect: Expect) -> usize {
    engine.prepare(statement, expect).await.unwrap_or_else(|error| panic!("{error}"))
}

pub fn is_write(statement: &Sql) -> bool {
    ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| statement.text.trim_start().starts_with(verb))
}

/// How many placeholders a text has, which must be `$1…$n` without a gap.
fn placeholders(text: &str) -> usize {
    let after_dollar = text.split('$').skip(1);
    let digits = after_dollar.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    let numbers: BTreeSet<usize> = digits.map(|digits| digits.parse().expect(text)).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "a gap in {text}");
    numbers.len()
}

#[test]
fn names_are_unique() {
    let mut seen = HashSet::new();
    for statement in sql::all() {
        assert!(seen.insert(statement.name), "two statements are called {}", statement.name);
    }
}

#[test]
fn texts_keep_to_the_dialect() {
    let foreign =
        ["now()", "ilike", "for update", "advisory", "returning", "current_timestamp", "datetime(", "?"];
    for statement in sql::all() {
        let text = statement.text.to_lowercase();
        for word in foreign {
            assert!(!text.contains(word), "{} uses {word}", statement.name);
        }
    }
}

/// Statements that mean to read all rows of a pool, take only the first of them, or read a table that stays small.
const WHOLE: &[&str] = &[
    "account_owners",
    "administrator_has_owner",
    "administrator_hold",
    "administrator_list",
    "administrator_owned",
    "administrator_unowned",
    "application_label_free",
    "audit_head_advance",
    "audit_head_load",
    "audit_head_move_base",
    "application_list",
    "application_names",
    "application_uses_alg",
    "application_versions",
    "change_insert",
    "import_desk_old",
    "import_desk_others",
    "inspect_identifiers",
    "inspect_keys",
    "installation_load",
    "issuer_key_due",
    "issuer_key_list",
    "pool_address_free",
    "pool_count_accounts",
    "pool_count_administrators",
    "pool_count_applications",
    "pool_count_users",
    "pool_delete",
    "pool_has_host",
    "pool_list",
    "pool_load",
    "pool_move",
    "pool_note_host",
    "pool_remove",
    "pool_removed",
    "pool_rename",
    "pool_room",
    "pool_settings_load",
    "pool_settings_update",
    "purge_audit_head",
    "purge_setup_link",
    "resource_apis",
    "resource_codes",
    "revocation_alive",
    "rule_applications",
    "schema_applied",
    "schema_applied_first",
    "setup_link_offered",
    "setup_link_spend",
    "sweep_pools",
    "usage_count_users",
    "user_delete_owned",
];

/// Nothing that is asked while people wait, or every minute, goes through rows that all belong to the one pool.
#[tokio::test]
async fn no_statement_reads_a_table_from_end_to_end() {
    let database = Database::sqlite();
    database.engine.migrate(MIGRATIONS).await.unwrap();
    let connection = rusqlite::Connection::open(database.address.trim_start_matches("sqlite:")).unwrap();
    let mut found = Vec::new();
    for statement in sql::all() {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text)).unwrap();
        let mut rows = plan.raw_query();
        let mut steps: Vec<String> = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        let whole: Vec<String> = steps
            .into_iter()
            .filter(|step| step.starts_with("SCAN") || step.ends_with("(pool_id=?)"))
            .filter(|step| !step.starts_with("SCAN CONSTANT") && *step != "SCAN due")
            .collect();
        // Of a pool that was removed 500 rows at a time are looked for, and no more.
        let purged =
            statement.name.starts_with("purge_") && whole.len() == 1 && !whole[0].starts_with("SCAN");
        if !whole.is_empty() && !purged && !WHOLE.contains(&statement.name) {
            found.push(format!("{}: {}", statement.name, whole.join("; ")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
