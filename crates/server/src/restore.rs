//! `signet restore`: a backup into an empty data directory and an empty database, all of it or nothing.
//!
//! The file is read twice: first to its end, comparing every sum, and only then into the database. An embedded database
//! gets its name, and a PostgreSQL database its commit, when everything is in it. The mark that a restore has begun lies
//! in the data directory meanwhile, so that a server does not begin a new installation where half a restore was killed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use signet_protocol::jose::b64;
use signet_store::{
    MasterKey, StoreError,
    dump::{self, Checked, Restoring},
    sql::copy::Error,
};

use crate::{
    backup::passphrase,
    cli::Restore,
    config::Config,
    data::{DataDir, KEY_FILE, LOCK_FILE, MASTER_KEY_VARIABLE, existing_key, unusable},
    explain::explain,
    failure::Failure,
};

/// The file that lies in the data directory while a restore is under way.
pub const MARK: &str = "restore.unfinished";
const BUFFER_BYTES: usize = 1 << 20;
const ELSEWHERE: &str = "Choose an empty one with --data DIR or --database URL, or move away what is there.";

/// Restores the backup and returns what to say of it.
pub async fn restore(config: &Config, arguments: &Restore) -> Result<String, Failure> {
    let file = arguments.file.as_path();
    let checked = dump::check(open(file)?).map_err(|error| not_whole(file, &error))?;
    let (key, from_backup) = key(config, &checked, arguments).await?;
    checked.opens_with(&key).map_err(|error| explain(config, &config.data.join(KEY_FILE), &error))?;
    let mut work = Work::begin(config).await?;
    work.load(config, file, &checked, from_backup.then_some(&key)).await?;
    let key = match from_backup {
        true => format!("\nThe master key is in {}.", config.data.join(KEY_FILE).display()),
        false => String::new(),
    };
    Ok(format!(
        "Restored {} rows of {} tables into {}, as they were at {}{key}",
        checked.summary.rows,
        checked.summary.tables,
        config.describe_database(),
        moment(checked.header.created_at),
    ))
}

/// Refuses to open an installation in which a restore was broken off; completes one that was broken off at its very end.
pub async fn settle(config: &Config) -> Result<(), Failure> {
    let mark = config.data.join(MARK);
    if !mark.exists() {
        return Ok(());
    }
    let key_file = config.data.join(KEY_FILE);
    let free = dump::is_free(&config.database).await.map_err(|error| explain(config, &key_file, &error))?;
    match free {
        // It is all there, since a database becomes visible as a whole.
        false => remove(&mark),
        true => Err(Failure::new(format!("a restore into {} was broken off", config.data.display())).help(
            format!(
                "Run signet restore again; or, to begin a new installation, delete {} first.",
                mark.display()
            ),
        )),
    }
}

/// The key that opens the backup, and whether it is not here yet but comes out of the backup.
async fn key(config: &Config, checked: &Checked, arguments: &Restore) -> Result<(MasterKey, bool), Failure> {
    let (id, file) = (&checked.header.master_key_id, config.data.join(KEY_FILE));
    if let Some(key) = existing_key(&config.data)? {
        let own = b64(&key.id());
        return match own == *id {
            true => Ok((key, false)),
            false => Err(Failure::new(format!("the backup needs the master key {id}, but {own} is here")).help(
                format!("Put that key into {} or into {MASTER_KEY_VARIABLE}, or choose an empty directory with --data DIR.", file.display()),
            )),
        };
    }
    let Some(sealed) = &checked.header.master_key else {
        return Err(Failure::new(format!("the backup needs the master key {id}, which is not in it")).help(
            format!("Put that key into {} (mode 0600) or into {MASTER_KEY_VARIABLE} first.", file.display()),
        ));
    };
    let passphrase = passphrase(arguments.passphrase_stdin, false).await?;
    let opened = tokio::task::block_in_place(|| sealed.open(&passphrase, id));
    opened.map(|key| (key, true)).map_err(|error| match error {
        StoreError::KeyMismatch => Failure::new("the passphrase does not open the master key in the backup"),
        other => Failure::new(other.to_string()),
    })
}

/// What is undone unless the restore comes to its end.
struct Work {
    data: DataDir,
    _lock: crate::data::Lock,
    made_directory: bool,
    made_key: bool,
    done: bool,
}

impl Work {
    async fn begin(config: &Config) -> Result<Work, Failure> {
        let made_directory = !config.data.exists();
        let data = DataDir::create(&config.data)?;
        let lock = data.try_lock(&config.database)?.ok_or_else(|| {
            Failure::new(format!("the data directory {} is in use", data.path().display()))
                .help(format!("A backup is never restored over an installation. {ELSEWHERE}"))
        })?;
        let work = Work { data, _lock: lock, made_directory, made_key: false, done: false };
        let key_file = work.data.join(KEY_FILE);
        match dump::is_free(&config.database).await {
            Ok(true) => {}
            Ok(false) => {
                let database = config.describe_database();
                return Err(Failure::new(format!("there is something in the database {database} already"))
                    .help(format!("A backup is never restored over data. {ELSEWHERE}")));
            }
            Err(error) => return Err(explain(config, &key_file, &error)),
        }
        mark(&work.data).map_err(|error| unusable(work.data.path(), &error))?;
        Ok(work)
    }

    async fn load(
        &mut self,
        config: &Config,
        file: &Path,
        checked: &Checked,
        new_key: Option<&MasterKey>,
    ) -> Result<(), Failure> {
        let key_file = self.data.join(KEY_FILE);
        let loaded = Restoring::load(open(file)?, checked, &config.database).await;
        let restoring = loaded.map_err(|error| match error {
            Error::Store(error) => explain(config, &key_file, &error),
            error => not_whole(file, &error),
        })?;
        // First the key: rows that nothing opens are worth less than a key that opens nothing.
        if let Some(key) = new_key {
            self.made_key = true;
            self.data.write_key(key).map_err(|error| unusable(self.data.path(), &error))?;
        }
        restoring.finish().await.map_err(|error| explain(config, &key_file, &error))?;
        self.done = true;
        remove(&self.data.join(MARK))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let gone = |name: &str| drop(fs::remove_file(self.data.join(name)));
        gone(MARK);
        if self.made_key {
            gone(KEY_FILE);
        }
        if self.made_directory {
            gone(LOCK_FILE);
            // Only if nothing else is in it.
            drop(fs::remove_dir(self.data.path()));
        }
    }
}

fn mark(data: &DataDir) -> io::Result<()> {
    let file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(data.join(MARK))?;
    file.sync_all()?;
    File::open(data.path())?.sync_all()
}

fn remove(mark: &PathBuf) -> Result<(), Failure> {
    fs::remove_file(mark).map_err(|error| Failure::io(format!("cannot delete {}", mark.display()), &error))
}

fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    if file.as_os_str() == "-" {
        return Err(Failure::new("a backup is read twice, so it must be a file and not standard input"));
    }
    let failed = |error| Failure::io(format!("cannot read {}", file.display()), &error);
    let opened = File::open(file).map_err(failed)?;
    match opened.metadata().map_err(failed)?.is_file() {
        true => Ok(BufReader::with_capacity(BUFFER_BYTES, opened)),
        false => Err(Failure::new(format!("{} is not a file", file.display()))),
    }
}

fn not_whole(file: &Path, error: &Error) -> Failure {
    let file = file.display();
    let failure = match error {
        Error::Damaged { line, what } => Failure::new(format!("{file}:{line}: {what}")),
        Error::Io(error) => Failure::io(format!("cannot read {file}"), error),
        Error::Store(error @ StoreError::Schema(_)) => {
            return Failure::new(format!("{file}: {error}"))
                .help("Restore it with the version of Signet that wrote it, or a newer one.");
        }
        Error::Store(error) => Failure::new(format!("{file}: {error}")),
    };
    failure.help("Nothing was restored. Use another copy of the backup.")
}

/// Seconds since 1970 for people: `2026-11-23 22:00:00 UTC`.
fn moment(seconds: i64) -> String {
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of the year 0, in eras of 400 years (Gregorian).
    let day = days + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_for_people() {
        for (seconds, said) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_800_000_000, "2027-01-15 08:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(moment(seconds), said);
        }
    }
}
