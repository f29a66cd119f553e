//! `signet user import` and `signet user export`.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use signet_protocol::said::Said;
use signet_web::manage::users::{
    export,
    fields::Fields,
    import::{Format, Import, ImportError, Mode, Outcome, Progress, Record, Report, Sink},
};

use crate::{
    cli,
    commands::{Way, print},
    config::Config,
    control::Request,
    failure::Failure,
};

/// Takes a file in, and tells what is wrong with it line by line.
pub async fn import(config: &Config, arguments: &cli::Import) -> Result<(), Failure> {
    let file = &arguments.file;
    let format = format(file, arguments.format.as_deref())?;
    let mode = Mode { dry_run: arguments.dry_run, update: arguments.update };
    let source = open(file)?;
    let import = Import::new(source, format, mode).map_err(|error| failed(file, &error.into(), &[]))?;
    let way = Way::find(config).await?;
    let done = import.from_line(arguments.from).run(&way, tell).await;
    way.close().await;
    if io::stderr().is_terminal() {
        eprintln!();
    }
    match done {
        Ok(report) if report.progress.refused == 0 => print(report.to_string()),
        Ok(report) => {
            print(report.to_string())?;
            let head = match report.progress.refused {
                1 => "1 line is wrong".to_owned(),
                lines => format!("{lines} lines are wrong"),
            };
            Err(Failure::new(format!("{head}\n{}", lines(file, &report).join("\n"))).help(
                "Correct them and import the file again; with --update those that are there already are no errors.",
            ))
        }
        Err(error) => {
            let problems = match &error {
                ImportError::Stopped { report, .. } => lines(file, report),
                _ => Vec::new(),
            };
            Err(failed(file, &error, &problems))
        }
    }
}

fn failed(file: &Path, error: &ImportError, problems: &[String]) -> Failure {
    let told: String = problems.iter().map(|line| format!("\n{line}")).collect();
    let failure = Failure::new(format!("{}: {error}{told}", file.display()));
    match error {
        ImportError::Stopped { report, .. } => {
            failure.help(format!("Go on with --from {}.", report.progress.line + 1))
        }
        _ => failure,
    }
}

/// `people.csv:12: email: must be …`
fn lines(file: &Path, report: &Report) -> Vec<String> {
    let file = file.display();
    let line = |problem: &signet_web::manage::users::import::LineProblem| {
        format!("{file}:{}: {}", problem.line, problem.problem.message)
    };
    let more = (report.untold > 0).then(|| format!("and {} more", report.untold));
    report.problems.iter().map(line).chain(more).collect()
}

impl Sink for Way {
    async fn take(&self, records: Vec<Record>, mode: Mode) -> Result<Outcome, Said> {
        let answer = self
            .ask(Request::Import { records, mode })
            .await
            .map_err(|error| Said::english_only(error.to_string()))?;
        serde_json::from_str(&answer).map_err(|_| Said::english_only("the server answers something else"))
    }
}

/// On a terminal, how far it is.
fn tell(now: Progress) {
    if io::stderr().is_terminal() {
        let Progress { line, created, updated, refused, .. } = now;
        eprint!("\rline {line}: {created} created, {updated} changed, {refused} wrong ");
    }
}

fn open(file: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if file.to_str() == Some("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened =
        File::open(file).map_err(|error| Failure::io(format!("cannot read {}", file.display()), &error))?;
    Ok(Box::new(BufReader::new(opened)))
}

fn format(file: &Path, named: Option<&str>) -> Result<Format, Failure> {
    let found = match named {
        Some(name) => Format::parse(name),
        None => file.to_str().and_then(Format::of_file),
    };
    found.ok_or_else(|| {
        Failure::new("the format of the file is not known")
            .help("Say it with --format csv or --format jsonl.")
    })
}

/// Writes everybody to a file.
pub async fn export(config: &Config, arguments: &cli::ExportUsers) -> Result<(), Failure> {
    let (file, hashes) = (&arguments.file, arguments.with_password_hashes);
    let format = format(file, arguments.format.as_deref())?;
    let way = Way::find(config).await?;
    let written = write(&way, file, format, hashes).await;
    way.close().await;
    match written {
        Ok(users) => {
            eprintln!("{users} users");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

async fn write(way: &Way, file: &Path, format: Format, hashes: bool) -> Result<usize, Failure> {
    let failed = |error: io::Error| Failure::io(format!("cannot write {}", file.display()), &error);
    let target: Box<dyn Write> = match file.to_str() {
        Some("-") => Box::new(io::stdout()),
        _ => Box::new(create(file)?),
    };
    let (mut target, mut users, mut after) = (BufWriter::new(target), 0, None);
    target.write_all(export::head(format, hashes).as_bytes()).map_err(failed)?;
    loop {
        let answer = way.ask(Request::ExportUsers { after, hashes }).await?;
        let (page, next): (Vec<Fields>, Option<String>) = serde_json::from_str(&answer)
            .map_err(|_| Failure::new("the server answers something else; use the same version of signet"))?;
        users += page.len();
        for fields in &page {
            target.write_all(export::line(fields, format, hashes).as_bytes()).map_err(failed)?;
        }
        after = next;
        if after.is_none() {
            target.flush().map_err(failed)?;
            return Ok(users);
        }
    }
}

/// A new file for its owner alone.
fn create(file: &Path) -> Result<File, Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!("{} exists already", file.display()))
            .help("Choose another name, or remove it first."),
        _ => Failure::io(format!("cannot write {}", file.display()), &error),
    })
}
