//! `signet backup`: the whole database in one file, as it is at one moment, while the server runs or not.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::Path,
};

use signet_protocol::jose::b64;
use signet_store::{
    Database, MasterKey, StoreError,
    dump::{PASSPHRASE_BYTES, SealedKey, Source, Summary},
    sql::copy::Error,
};
use signet_web::clock::{Clock as _, SystemClock, SystemEntropy};

use crate::{
    cli::Backup,
    config::Config,
    data::{KEY_FILE, MASTER_KEY_VARIABLE, existing_key},
    explain::explain,
    failure::Failure,
    output::{STANDARD_OUTPUT, Unfinished, refuse_existing},
    password::{self, Question},
};

const BUFFER_BYTES: usize = 1 << 20;

/// Writes the backup and returns what to say of it.
pub async fn backup(config: &Config, arguments: &Backup) -> Result<String, Failure> {
    let target = Target::of(arguments)?;
    if let Database::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Err(Failure::new(format!("there is no database {}", path.display())).help(
            "Say where the installation is with --data DIR, or where its database is with --database URL.",
        ));
    }
    let key_file = config.data.join(KEY_FILE);
    let failed = |error: &StoreError| explain(config, &key_file, error);
    let opened =
        Source::open(&config.database, env!("CARGO_PKG_VERSION"), SystemClock.now().timestamp()).await;
    let mut source = opened.map_err(|error| refused(&error, &failed))?;
    if arguments.with_master_key {
        source.header.master_key = Some(sealed_key(config, &source, arguments).await?);
    }
    let summary = target.write(&source, &failed).await?;
    Ok(target.card(&source, &summary, &key_file))
}

/// The master key under a passphrase, once it is known to be the one of this database.
async fn sealed_key(config: &Config, source: &Source, arguments: &Backup) -> Result<SealedKey, Failure> {
    let id = &source.header.master_key_id;
    let key: MasterKey = existing_key(&config.data)?.ok_or_else(|| {
        let file = config.data.join(KEY_FILE);
        Failure::new(format!("there is no master key: neither {} nor {MASTER_KEY_VARIABLE}", file.display()))
            .help(format!(
                "The database needs the key {id}. Without --with-master-key the backup is made without it."
            ))
    })?;
    if b64(&key.id()) != *id {
        let what = format!("the master key {} is not that of the database, which is {id}", b64(&key.id()));
        return Err(Failure::new(what).help("Nothing was written. Put the right key in its place."));
    }
    let passphrase = passphrase(arguments.passphrase_stdin, true).await?;
    if !PASSPHRASE_BYTES.contains(&passphrase.len()) {
        let (least, most) = (PASSPHRASE_BYTES.start(), PASSPHRASE_BYTES.end());
        return Err(Failure::new(format!("the passphrase must be {least} to {most} bytes")));
    }
    SealedKey::seal(&key, &passphrase, &mut SystemEntropy).map_err(|error| Failure::new(error.to_string()))
}

/// From standard input, or asked for: twice when it is a new one.
pub async fn passphrase(from_stdin: bool, new: bool) -> Result<String, Failure> {
    match from_stdin {
        true => password::from_stdin(),
        false => {
            password::ask_for(&Question {
                label: "passphrase",
                twice: new,
                help: "Pipe it in with --passphrase-stdin.",
            })
            .await
        }
    }
}

/// Where the backup goes.
enum Target<'a> {
    Output,
    File(&'a Path),
}

impl<'a> Target<'a> {
    fn of(arguments: &'a Backup) -> Result<Self, Failure> {
        let path = arguments.file.as_path();
        if path.as_os_str() == STANDARD_OUTPUT {
            return Ok(Target::Output);
        }
        refuse_existing(path, arguments.force)?;
        Ok(Target::File(path))
    }

    async fn write(
        &self,
        source: &Source,
        failed: &impl Fn(&StoreError) -> Failure,
    ) -> Result<Summary, Failure> {
        match self {
            Target::Output => {
                let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout());
                source.write(&mut out).await.map_err(|error| refused(&error, failed))
            }
            Target::File(path) => {
                let unfinished = Unfinished::beside(path)?;
                let summary = fill(&unfinished, source).await.map_err(|error| match &error {
                    Error::Io(error) => Failure::io(format!("cannot write {}", path.display()), error),
                    error => refused(error, failed),
                })?;
                unfinished.become_named(path)?;
                Ok(summary)
            }
        }
    }

    fn card(&self, source: &Source, summary: &Summary, key_file: &Path) -> String {
        let header = &source.header;
        let place = match self {
            Target::Output => "standard output".to_owned(),
            Target::File(path) => path.display().to_string(),
        };
        let key = match header.master_key {
            Some(_) => {
                format!("It holds the master key {}, sealed under the passphrase.", header.master_key_id)
            }
            None => format!(
                "It does not hold the master key {}, without which it opens nothing: keep a copy of {} or of \
                 {MASTER_KEY_VARIABLE} in another place.",
                header.master_key_id,
                key_file.display()
            ),
        };
        format!(
            "Wrote {} rows of {} tables, schema version {}, to {place}\n{key}",
            summary.rows,
            summary.tables,
            header.schema.len()
        )
    }
}

async fn fill(unfinished: &Unfinished, source: &Source) -> Result<Summary, Error> {
    let file = OpenOptions::new().write(true).open(unfinished.path())?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    let summary = source.write(&mut out).await?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(summary)
}

fn refused(error: &Error, failed: &impl Fn(&StoreError) -> Failure) -> Failure {
    match error {
        Error::Store(error) => failed(error),
        Error::Io(error) => Failure::io("cannot write the backup", error),
        other => Failure::new(other.to_string()),
    }
}
