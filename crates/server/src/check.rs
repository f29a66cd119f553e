//! `signet check`: looks at everything an operator could have to mend, changes nothing, and says what to do.

mod finding;
mod http;
mod local;
mod outside;

use signet_store::inspect::{Inspection, inspect};
use signet_web::clock::{Clock as _, SystemClock};

use self::finding::{Finding, Findings};
use crate::{
    cli::Check,
    config::Config,
    data::{KEY_FILE, existing_key},
    explain::explain,
    failure::Failure,
    restore::MARK,
};

/// How many application addresses are resolved.
const APPLICATIONS: i64 = 20;
/// Seconds by which clocks may differ.
const DRIFT: i64 = 5;
/// Days after which a signing key is called old where none is rotated by itself.
const OLD_KEY_DAYS: i64 = 90;
/// Days within which a running server has replaced a key whose time has come.
const ROTATED_WITHIN: i64 = 7;
const DAY: i64 = 86_400;

/// Looks, prints a line for each thing, and fails if there is a problem.
pub async fn check(config: &Config, arguments: &Check) -> Result<(), Failure> {
    let mut findings = Findings::default();
    local::directory(config, &mut findings);
    let inspection = database(config, &mut findings).await;
    if let Some(inspection) = &inspection {
        state(inspection, config.key_rotation_days, &mut findings);
    }
    let base = config.base_url(config.listen.port())?;
    local::certificate(config, &base, &mut findings);
    outside::issuer(&base, &mut findings).await;
    if let Some(inspection) = &inspection {
        outside::applications(&base, &inspection.identifiers, &mut findings).await;
    }
    findings.print(arguments.json)
}

/// The database with its schema and the key that opens it.
async fn database(config: &Config, findings: &mut Findings) -> Option<Inspection> {
    let mark = config.data.join(MARK);
    if mark.exists() {
        findings.add(Finding::problem(
            "restore",
            format!("a restore was broken off: {} is there", mark.display()),
            "Run signet restore again.",
        ));
    }
    let key = match existing_key(&config.data) {
        Ok(key) => key,
        Err(failure) => {
            findings.add(Finding::failed("master key", &failure));
            None
        }
    };
    let key_file = config.data.join(KEY_FILE);
    if !local::database_exists(config) {
        findings.add(Finding::problem(
            "database",
            format!("there is none yet: {}", config.describe_database()),
            "Start signet serve, or say where the installation is with --data DIR or --database URL.",
        ));
        return None;
    }
    let now = SystemClock.now().timestamp();
    let inspection = match inspect(&config.database, key.as_ref(), now, APPLICATIONS).await {
        Ok(inspection) => inspection,
        Err(error) => {
            findings.add(Finding::failed("database", &explain(config, &key_file, &error)));
            return None;
        }
    };
    findings.add(Finding::ok("database", format!("{} answers", config.describe_database())));
    match &inspection.opens {
        Some(Ok(())) => findings.add(Finding::ok("master key", "it opens the keys of the pool")),
        Some(Err(error)) => findings.add(Finding::failed("master key", &explain(config, &key_file, error))),
        None => findings.add(Finding::problem(
            "master key",
            format!("there is none: neither {} nor the environment has it", key_file.display()),
            "Put back the copy of the key that the database was created with.",
        )),
    }
    Some(inspection)
}

/// What the database says of itself, where keys are rotated at the age of `rotation` days, if that is not 0.
fn state(inspection: &Inspection, rotation: i64, findings: &mut Findings) {
    let (schema, known) = (inspection.schema, inspection.known);
    findings.add(match schema.cmp(&known) {
        std::cmp::Ordering::Equal => Finding::ok("schema", format!("version {schema}")),
        std::cmp::Ordering::Less => Finding::warning(
            "schema",
            format!("version {schema}; this binary makes it {known} at its next start"),
            "Back up the database first: signet backup FILE.",
        ),
        std::cmp::Ordering::Greater => Finding::warning(
            "schema",
            format!(
                "version {schema}, made by a newer Signet; this binary knows {known} and still runs on it"
            ),
            "Finish the upgrade: run the newer version everywhere.",
        ),
    });
    let now = SystemClock.now().timestamp().0;
    if let Some(clock) = inspection.clock {
        findings.add(drift("clock of the database", clock, now));
    }
    let age = |created: i64| (now - created) / DAY;
    let (too_old, help) = match rotation {
        0 => (OLD_KEY_DAYS, "Rotate them: signet keys rotate."),
        days => (
            days + ROTATED_WITHIN,
            "A running server rotates them at the age of key_rotation_days: see that one runs, and look into its log.",
        ),
    };
    let old = inspection.signing_keys.iter().filter(|key| age(key.created_at.0) >= too_old);
    findings.add(match (old.count(), inspection.signing_keys.first()) {
        (_, None) => Finding::ok("signing keys", "none yet: they are made at first use"),
        (0, Some(oldest)) => Finding::ok(
            "signing keys",
            format!(
                "{} in use, the oldest {} days old",
                inspection.signing_keys.len(),
                age(oldest.created_at.0)
            ),
        ),
        (old, Some(oldest)) => Finding::warning(
            "signing keys",
            format!(
                "{old} of {} are older than {too_old} days; the oldest, of {} with {}, is {} days old",
                inspection.signing_keys.len(),
                oldest.issuer,
                oldest.alg,
                age(oldest.created_at.0)
            ),
            help,
        ),
    });
    findings.add(match inspection.unswept.as_slice() {
        [] => Finding::ok("expired rows", "deleted in time"),
        tables => Finding::warning(
            "expired rows",
            format!("hundreds that ended an hour ago and more are still in {}", tables.join(", ")),
            "A running server deletes them each minute: see that one runs, and look into its log.",
        ),
    });
}

/// Compares a clock with ours. Tokens and codes are judged by these clocks.
fn drift(subject: &'static str, theirs: i64, ours: i64) -> Finding {
    match theirs - ours {
        apart if apart.abs() <= DRIFT => Finding::ok(subject, format!("{} s from ours", apart.abs())),
        apart => Finding::problem(
            subject,
            format!("{} s {} ours", apart.abs(), if apart > 0 { "ahead of" } else { "behind" }),
            "Keep the clocks of both machines in step, with NTP.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use signet_protocol::time::Timestamp;
    use signet_store::inspect::SigningKeyAge;

    use super::{finding::State, *};

    fn states(inspection: &Inspection) -> Vec<(&'static str, State)> {
        let mut findings = Findings::default();
        state(inspection, 0, &mut findings);
        findings.0.iter().map(|finding| (finding.subject, finding.state)).collect()
    }

    fn inspection() -> Inspection {
        Inspection {
            schema: 2,
            known: 2,
            opens: Some(Ok(())),
            signing_keys: vec![],
            unswept: vec![],
            identifiers: vec![],
            clock: None,
        }
    }

    #[test]
    fn what_is_as_it_should_be_is_ok() {
        let expected = [("schema", State::Ok), ("signing keys", State::Ok), ("expired rows", State::Ok)];
        assert_eq!(states(&inspection()), expected);
    }

    #[test]
    fn where_nothing_rotates_a_key_of_ninety_days_is_old() {
        let now = SystemClock.now().timestamp().0;
        for (days, expected) in [(89, State::Ok), (90, State::Warning)] {
            let created_at = Timestamp(now - days * DAY);
            let key = SigningKeyAge { issuer: "pool:x".to_owned(), alg: "RS256".to_owned(), created_at };
            let mut findings = Findings::default();
            state(&Inspection { signing_keys: vec![key], ..inspection() }, 0, &mut findings);
            let found = findings.0.iter().find(|finding| finding.subject == "signing keys").unwrap();
            assert_eq!(found.state, expected, "{days}");
        }
    }

    #[test]
    fn each_thing_that_is_not_is_told() {
        let now = SystemClock.now().timestamp().0;
        let key = |days: i64| SigningKeyAge {
            issuer: "pool:x".to_owned(),
            alg: "RS256".to_owned(),
            created_at: Timestamp(now - days * DAY),
        };
        for (inspection, subject, expected) in [
            (Inspection { schema: 1, ..inspection() }, "schema", State::Warning),
            (Inspection { schema: 3, ..inspection() }, "schema", State::Warning),
            (Inspection { signing_keys: vec![key(36)], ..inspection() }, "signing keys", State::Ok),
            (
                Inspection { signing_keys: vec![key(37), key(1)], ..inspection() },
                "signing keys",
                State::Warning,
            ),
            (Inspection { unswept: vec!["session"], ..inspection() }, "expired rows", State::Warning),
            (Inspection { clock: Some(now), ..inspection() }, "clock of the database", State::Ok),
            (Inspection { clock: Some(now + 60), ..inspection() }, "clock of the database", State::Problem),
            (Inspection { clock: Some(now - 60), ..inspection() }, "clock of the database", State::Problem),
        ] {
            assert!(states(&inspection).contains(&(subject, expected)), "{inspection:?}");
        }
    }
}
