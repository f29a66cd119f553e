//! Files that are right, wrong, and neither.

use std::{io::Cursor, sync::Mutex};

use proptest::prelude::*;
use signet_protocol::said::Said;
use signet_store::audit::Origin;

use super::{csv::CsvError, *};
use crate::{hashing::Asker, manage::tests::Bench, network::Network, sayings::english_of};

/// Where the operator of these tests writes.
fn here(bench: &Bench) -> Here {
    Here(bench.signet.clone(), Origin::command_line())
}

pub(in crate::manage::users) async fn import(
    bench: &Bench,
    file: &str,
    format: Format,
    mode: Mode,
) -> Report {
    let import =
        Import::new(Cursor::new(file.to_owned()), format, mode).unwrap_or_else(|error| panic!("{error}"));
    import.run(&here(bench), |_| ()).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn csv(bench: &Bench, file: &str) -> Report {
    import(bench, file, Format::Csv, Mode::default()).await
}

fn told(report: &Report) -> Vec<(usize, &str, &str)> {
    let told = |found: &'_ LineProblem| {
        (found.line, found.problem.field.clone(), english_of(&found.problem.message))
    };
    let all: Vec<_> = report.problems.iter().map(told).collect();
    all.into_iter().map(|(line, field, message)| (line, &*field.leak(), &*message.leak())).collect()
}

#[tokio::test]
async fn a_csv_file_becomes_users() {
    let bench = Bench::new().await;
    bench.apply("[[extended_fields]]\nname = \"level\"\ntype = \"number\"\n[[extended_fields]]\nname = \"tags\"\ntype = \"list\"\n[[extended_fields]]\nname = \"vip\"\ntype = \"boolean\"\n[[extended_fields]]\nname = \"note\"\ntype = \"text\"").await;
    let file = "\u{feff}username,email,email_verified,roles,groups,blocked,address.country,extended_fields.level,extended_fields.tags,extended_fields.vip,extended_fields.note,name\r\n\
        alice,Alice@Example.com,TRUE,admin; editor,,no,中国,3,a;b,yes,12,\"Liddell, \"\"Alice\"\"\"\r\n\
        \r\n\
        bob,,,\"[\"\"a;b\"\"]\",staff,1,,,,,,\"two\nlines\"\r\n\
        carol,,,,,,,,,,,Carol\r\n";
    let report = csv(&bench, file).await;
    assert_eq!((report.progress.created, report.progress.refused), (2, 1), "{:?}", told(&report));
    assert_eq!(told(&report), [(4, "name", "`name` must be at most 1000 bytes, without control characters")]);
    let alice = bench.user("alice@example.com").await.unwrap();
    let details = &alice.details;
    assert_eq!(
        (details.roles.as_slice(), details.email_verified),
        (["admin".to_owned(), "editor".to_owned()].as_slice(), true)
    );
    assert_eq!(details.profile.name.as_deref(), Some("Liddell, \"Alice\""));
    let extended = serde_json::to_value(&details.extended_fields).unwrap();
    assert_eq!(extended, serde_json::json!({"level": 3, "tags": ["a", "b"], "vip": true, "note": "12"}));
    assert!(bench.user("carol").await.is_some());
    assert_eq!(report.progress.line, 6);
}

#[tokio::test]
async fn json_lines_become_users_whose_hashes_become_ours() {
    let bench = Bench::new().await;
    let hash = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";
    let file = format!(
        "{{\"username\":\"alice\",\"password_hash\":\"{hash}\",\"extended_fields\":{{\"x\":[1]}}}}\n\n{{\"phone\":\"+4912345678\",\"password\":\"correct horse\"}}\n[]\n{{\"username\":\n"
    );
    let report = import(&bench, &file, Format::JsonLines, Mode::default()).await;
    assert_eq!(report.progress.created, 2);
    let problems = told(&report);
    assert_eq!((problems.len(), problems[0].0, problems[1].0), (2, 4, 5), "{problems:?}");
    let alice = bench.user("alice").await.unwrap();
    let stored = alice.password.clone().unwrap();
    assert!(stored.as_str() == hash && !stored.is_current());
    let asker = Asker::Network(Network::of("192.0.2.1".parse().unwrap()));
    assert_eq!(bench.signet.hasher().verify(asker, stored, "correct horse".into()).await, Ok(true));
    let ours = bench.user("+4912345678").await.unwrap().password.unwrap();
    assert!(ours.is_current());
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let bench = Bench::new().await;
    csv(&bench, "username\nold\n").await;
    let file = "username,email\nold,old@example.com\nnew,\n@,\nnew,\n";
    let dry = Mode { dry_run: true, update: true };
    let report = import(&bench, file, Format::Csv, dry).await;
    assert_eq!(report.to_string(), "1 to create, 1 to change, 0 unchanged, 2 wrong; nothing was written");
    assert!(bench.user("new").await.is_none() && bench.user("old").await.unwrap().email.is_none());
    let real = import(&bench, file, Format::Csv, Mode { update: true, ..Mode::default() }).await;
    assert_eq!(real.to_string(), "1 created, 1 changed, 0 unchanged, 2 left out");
    assert_eq!(told(&real), told(&report));
    let again = import(&bench, file, Format::Csv, Mode { update: true, ..Mode::default() }).await;
    assert_eq!(again.to_string(), "0 created, 0 changed, 2 unchanged, 2 left out");
}

#[tokio::test]
async fn whoever_is_there_twice_is_named() {
    let bench = Bench::new().await;
    csv(&bench, "username,email\nold,old@example.com\n").await;
    let file = "username,email,phone\na,A@x.com,\nb,a@X.com,\na,,\nold,,\nc,old@example.com,\n,,+4912345678\nd,,+4912345678\n";
    let report = csv(&bench, file).await;
    assert_eq!(
        told(&report),
        [
            (3, "email", "`email` is already on line 2"),
            (4, "username", "`username` is already on line 2"),
            (5, "username", "the user old exists already"),
            (6, "email", "`email` belongs to another user, old"),
            (8, "phone", "`phone` is already on line 7"),
        ]
    );
    let update = Mode { update: true, ..Mode::default() };
    let report = import(&bench, "username,email\nold,\n,old@example.com\n", Format::Csv, update).await;
    assert_eq!(told(&report), []);
    let report =
        import(&bench, "username,email,name\nold,,A\n,old@example.com,B\n", Format::Csv, update).await;
    assert_eq!(told(&report), [(3, "", "this is the user of line 2 again")]);
}

#[tokio::test]
async fn a_header_that_means_nothing_is_refused() {
    for (header, reason) in [
        ("", "the file is empty"),
        ("name\nx\n", "there must be a column `username`"),
        ("username,mail\n", "unknown column `mail`, did you mean `email`?"),
        ("username,colour\n", "valid are username, email"),
        ("username,email,username\n", "`username` is there twice"),
        ("username,\"x\n", "has a quote that begins a value and is never closed"),
        ("username,extended_fields.\n", "unknown column"),
    ] {
        let error = Import::new(Cursor::new(header), Format::Csv, Mode::default()).err().unwrap().to_string();
        assert!(error.starts_with("line 1: ") && error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn rows_that_mean_two_things_are_refused_and_the_others_stay() {
    let bench = Bench::new().await;
    let file = "username,name\nab\"c,x\nb,\"x\"y\nc\nd,e,f\ne,ok\nf,\"never\nclosed\n";
    let report = csv(&bench, file).await;
    let problems = told(&report);
    let lines: Vec<usize> = problems.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 7], "{problems:?}");
    for ((.., message), reason) in problems.iter().zip([
        "a quote in the middle",
        "behind the quote",
        "has 1 values, and the first row names 2",
        "has 3 values",
        "never closed",
    ]) {
        assert!(message.starts_with("the line has ") && message.contains(reason), "{message}");
    }
    assert_eq!((report.progress.created, bench.user("e").await.is_some()), (1, true));
}

#[tokio::test]
async fn limits_hold_on_both_sides() {
    let bench = Bench::new().await;
    // A row of exactly so many bytes with its line break; the name is too long for a user, which is another matter.
    let row = |bytes: usize| format!("username,name\na,{}\nb,\n", "x".repeat(bytes - 3));
    let report = csv(&bench, &row(RECORD_BYTES)).await;
    assert_eq!(told(&report), [(2, "name", "`name` must be at most 1000 bytes, without control characters")]);
    let report = csv(&Bench::new().await, &row(RECORD_BYTES + 1)).await;
    assert_eq!(told(&report), [(2, "", "the line is longer than 64 KiB, which a user may have")]);
    assert_eq!((report.progress.created, report.progress.line), (1, 3), "the rest is read");
    let json =
        |bytes: usize| format!("{{\"username\":\"{}\"}}\n{{\"username\":\"c\"}}\n", "x".repeat(bytes - 16));
    for (bytes, reason) in [(RECORD_BYTES, "`username` must be"), (RECORD_BYTES + 1, "the line is longer")] {
        let report = import(&Bench::new().await, &json(bytes), Format::JsonLines, Mode::default()).await;
        assert!(
            told(&report)[0].2.starts_with(reason) && report.progress.created == 1,
            "{:?}",
            told(&report)
        );
    }
    let columns = |count: usize| {
        (1..count).fold("username".to_owned(), |text, number| text + &format!(",extended_fields.f{number}"))
            + "\n"
    };
    assert!(Import::new(Cursor::new(columns(COLUMNS)), Format::Csv, Mode::default()).is_ok());
    let error = Import::new(Cursor::new(columns(COLUMNS + 1)), Format::Csv, Mode::default()).err().unwrap();
    assert!(error.to_string().contains("has more than 300 values"));
    let many: String = "username\n".to_owned() + &"@\n".repeat(LINES_TOLD + 5);
    let report = csv(&bench, &many).await;
    assert_eq!(
        (report.problems.len(), report.untold, report.progress.refused),
        (LINES_TOLD, 5, LINES_TOLD + 5)
    );
}

/// A sink that stops at its third chunk.
struct Stopping<'b>(&'b Bench, Mutex<usize>);

impl Sink for Stopping<'_> {
    async fn take(&self, records: Vec<Record>, mode: Mode) -> Result<Outcome, Said> {
        let chunk = {
            let mut count = self.1.lock().unwrap();
            *count += 1;
            *count
        };
        if chunk == 3 {
            Err(Said::english_only("the cable is out"))
        } else {
            here(self.0).take(records, mode).await
        }
    }
}

#[tokio::test]
async fn an_import_that_is_stopped_goes_on() {
    let bench = Bench::new().await;
    let file = (0..1600).fold("username\n".to_owned(), |text, number| text + &format!("u{number}\n"));
    let begin = || Import::new(Cursor::new(file.clone()), Format::Csv, Mode::default()).unwrap();
    let mut steps = Vec::new();
    let stopped =
        begin().run(&Stopping(&bench, Mutex::new(0)), |now| steps.push((now.line, now.created))).await;
    assert_eq!(steps, [(501, 500), (1001, 1000)]);
    let Err(ImportError::Stopped { report, reason, line: 1001 }) = stopped else { panic!() };
    assert_eq!(
        (report.progress.line, reason.of(signet_protocol::lang::Lang::En)),
        (1001, "the cable is out")
    );
    let report = begin().from_line(1002).run(&here(&bench), |_| ()).await.unwrap();
    assert_eq!((report.progress.created, report.progress.refused), (600, 0));
    assert!(bench.user("u1599").await.is_some() && bench.user("u0").await.is_some());
}

#[tokio::test]
async fn a_job_says_how_far_it_is() {
    let bench = Bench::new().await;
    let file = (0..700).fold("username\n".to_owned(), |text, number| text + &format!("u{number}\n"));
    let import = Import::new(Cursor::new(file), Format::Csv, Mode::default()).unwrap();
    let job = ImportJob::start(here(&bench), import);
    while !job.is_finished() {
        assert!(job.progress().created <= 700);
        tokio::task::yield_now().await;
    }
    assert_eq!((job.progress().created, job.progress().line), (700, 701));
    assert_eq!(job.finish().await.unwrap().unwrap().progress.created, 700);
}

#[test]
fn a_quote_is_closed_in_its_own_row() {
    let read = |text: &str| super::csv::row(&mut text.as_bytes(), 1000, 10).unwrap().unwrap();
    assert_eq!(read("a,\"b\n\"\"c\",\r\nd").unwrap().values, ["a", "b\n\"c", ""]);
    assert_eq!(read("a,b").unwrap().lines, 1);
    assert_eq!(read("\"a").unwrap_err(), (CsvError::OpenQuote, 1));
    assert_eq!(
        super::csv::row(&mut [0xff, b'\n'].as_slice(), 1000, 10).unwrap().unwrap().unwrap_err(),
        (CsvError::Encoding, 1)
    );
    assert!(super::csv::row(&mut b"".as_slice(), 1000, 10).unwrap().is_none());
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in prop::collection::vec("[\\PC\n\r\",]{0,8}", 1..6)) {
        let text = write_row(&values);
        let mut source = text.as_bytes();
        let row = super::csv::row(&mut source, 10_000, 10).unwrap().unwrap().unwrap();
        prop_assert_eq!(row.values, values);
        prop_assert!(source.is_empty());
    }
}
