//! The data directory: who may use it, its master key, and opening what is in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use signet_store::{Database, MasterKey, Options, Store, StoreError};
use signet_web::{
    Settings, Signet,
    clock::{Clock, SystemClock, SystemEntropy},
    hashing::Hasher,
};

use crate::{
    config::Config,
    failure::{Failure, plain},
};

/// Holds the master key where no file shall.
pub const MASTER_KEY_VARIABLE: &str = "SIGNET_MASTER_KEY";
const KEY_FILE: &str = "master.key";
const LOCK_FILE: &str = "signet.lock";

/// A data directory that exists.
pub struct DataDir(PathBuf);

/// The right to open the database of a data directory. It ends with the process, however that ends.
#[must_use]
pub struct Lock(#[expect(dead_code, reason = "the lock is held by keeping the files open")] Vec<File>);

impl DataDir {
    /// The directory at `path`, which is created for its owner alone when there is none.
    pub fn create(path: &Path) -> Result<DataDir, Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => not_a_directory(path),
            _ => unusable(path, &error),
        })?;
        Ok(DataDir(path.to_owned()))
    }

    /// The directory at `path`, which must be there.
    pub fn existing(path: &Path) -> Result<DataDir, Failure> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(DataDir(path.to_owned())),
            Ok(_) => Err(not_a_directory(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = format!("there is no data directory {}", path.display());
                Err(Failure::new(what)
                    .help("Say where it is with --data DIR, or start one with signet serve."))
            }
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Its own path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the lock, of the directory and of an embedded database that lies elsewhere; `None` while another process
    /// has one of them.
    pub fn try_lock(&self, database: &Database) -> Result<Option<Lock>, Failure> {
        let Some(own) = lock(&self.join(LOCK_FILE)).map_err(|error| unusable(&self.0, &error))? else {
            return Ok(None);
        };
        let path = match database {
            Database::Sqlite(path) if path.parent() != Some(&self.0) => path,
            Database::Sqlite(_) | Database::Postgres(_) => return Ok(Some(Lock(vec![own]))),
        };
        let mut beside = path.clone().into_os_string();
        beside.push(".lock");
        let elsewhere = lock(Path::new(&beside)).map_err(|error| {
            Failure::io(format!("cannot use the database {}", path.display()), &error)
                .help("Its directory must exist and be writable; or choose another with --database.")
        })?;
        Ok(elsewhere.map(|elsewhere| Lock(vec![own, elsewhere])))
    }

    /// Opens everything. Only who holds the lock may, so that an embedded database has one writer.
    pub async fn open(&self, config: &Config, port: u16, _lock: &Lock) -> Result<Arc<Signet>, Failure> {
        let settings = Settings { base_url: config.base_url(port)? };
        let key = self.master_key(config)?;
        let clock = signet_store::Clock::new(|| SystemClock.now());
        let options = Options { database: config.database.clone(), master_key: key.key, clock };
        let store = match Store::open(options, SystemClock.now(), &mut SystemEntropy).await {
            Ok(store) => store,
            Err(error) => {
                if key.new && error == StoreError::KeyMismatch {
                    // The database is older than this key, which therefore seals nothing.
                    drop(fs::remove_file(self.join(KEY_FILE)));
                }
                return Err(self.explain(config, &error));
            }
        };
        let hasher =
            Hasher::start().map_err(|error| Failure::io("cannot start the hashing threads", &error))?;
        Ok(Signet::new(settings, store, Arc::new(SystemClock), hasher))
    }

    fn explain(&self, config: &Config, error: &StoreError) -> Failure {
        let database = config.describe_database();
        match error {
            StoreError::KeyMismatch => {
                let key = self.join(KEY_FILE);
                Failure::new(format!("the master key does not fit the database {database}")).help(format!(
                    "Put the key that the database was created with into {} or into {MASTER_KEY_VARIABLE}.",
                    key.display()
                ))
            }
            StoreError::Schema(reason) => {
                Failure::new(format!("cannot use the database {database}: {reason}"))
                    .help("Run the newest version of signet that has used this database.")
            }
            StoreError::Unavailable(reason) => {
                let help = match config.database {
                    Database::Sqlite(_) => {
                        "Check that the file and its directory can be written, or choose another with --database."
                    }
                    Database::Postgres(_) => {
                        "Check that the server runs and that --database names it, its user and its database."
                    }
                };
                Failure::new(format!("cannot reach the database {database}: {}", plain(reason))).help(help)
            }
            other => Failure::new(format!("cannot open the database {database}: {other}")),
        }
    }

    fn master_key(&self, config: &Config) -> Result<Key, Failure> {
        match std::env::var_os(MASTER_KEY_VARIABLE) {
            Some(text) => text.to_str().and_then(MasterKey::parse).map(Key::old).ok_or_else(|| {
                Failure::new(format!("{MASTER_KEY_VARIABLE} must be 32 bytes as 43 base64url characters"))
                    .help("Make one with: openssl rand 32 | basenc --base64url | tr -d =")
            }),
            None => self.key_of_file(config),
        }
    }

    fn key_of_file(&self, config: &Config) -> Result<Key, Failure> {
        let path = self.join(KEY_FILE);
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.new_key(config),
            Err(error) => return Err(Failure::io(format!("cannot read {}", path.display()), &error)),
        };
        if found.mode() & 0o077 != 0 {
            let what = format!("others may read the master key {}", path.display());
            return Err(Failure::new(what).help(format!("Close it to them: chmod 600 {}", path.display())));
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
        MasterKey::parse(&text).map(Key::old).ok_or_else(|| {
            Failure::new(format!("{} does not hold a master key", path.display()))
                .help("It must be one line of 43 base64url characters. Put back a copy of it.")
        })
    }

    fn new_key(&self, config: &Config) -> Result<Key, Failure> {
        if let Database::Sqlite(database) = &config.database
            && database.exists()
        {
            let what = format!("there is a database {} but no master key", database.display());
            return Err(Failure::new(what).help(format!(
                "Put the key that it was created with into {} or into {MASTER_KEY_VARIABLE}.",
                self.join(KEY_FILE).display()
            )));
        }
        let key = MasterKey::generate(&mut SystemEntropy);
        self.write_key(&key).map_err(|error| unusable(&self.0, &error))?;
        Ok(Key { key, new: true })
    }

    /// Complete and on the disk before it has its name: what it seals could never be opened without it.
    fn write_key(&self, key: &MasterKey) -> io::Result<()> {
        let temporary = self.join("master.key.new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{}", key.encode().as_str())?;
        file.sync_all()?;
        fs::rename(&temporary, self.join(KEY_FILE))?;
        File::open(&self.0)?.sync_all()
    }
}

struct Key {
    key: MasterKey,
    new: bool,
}

impl Key {
    fn old(key: MasterKey) -> Key {
        Key { key, new: false }
    }
}

/// The lock of the file at `path`; `None` while another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn not_a_directory(path: &Path) -> Failure {
    let what = format!("cannot use {} as the data directory: it is not a directory", path.display());
    Failure::new(what).help("Choose another with --data DIR.")
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("the data directory {} is not writable", path.display()), error)
        .help("Give the user that runs signet the right to write there, or choose another with --data DIR.")
}
