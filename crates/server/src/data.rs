//! The data directory: who may use it, its master key, and opening what is in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use signet_protocol::time::Seconds;
use signet_store::{Database, MasterKey, Options, Store, StoreError};
use signet_web::{
    Settings, Signet,
    clock::{Clock, SystemClock, SystemEntropy},
    hashing::Hasher,
    pools::Pools,
};

use crate::{config::Config, explain::explain, failure::Failure, restore};

/// Holds the master key where no file shall.
pub const MASTER_KEY_VARIABLE: &str = "SIGNET_MASTER_KEY";
/// The file of the master key.
pub const KEY_FILE: &str = "master.key";
/// The file whose lock is the right to open the database.
pub const LOCK_FILE: &str = "signet.lock";

/// A data directory that exists.
#[derive(Clone)]
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

    /// The directory of an installation. Refused: a directory that is not there, unless the installation is elsewhere
    /// altogether, its key in the environment and its database at its own address.
    pub fn installed(config: &Config) -> Result<DataDir, Failure> {
        let path = &config.data;
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(DataDir(path.clone())),
            Ok(_) => Err(not_a_directory(path)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotADirectory => Err(not_a_directory(path)),
                io::ErrorKind::NotFound => {
                    require(Installation::look(config), path)?;
                    DataDir::create(path)
                }
                _ => Err(unusable(path, &error)),
            },
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

    /// Takes the lock where there is an installation, and refuses where there is none. A server that is just starting
    /// has the lock before there is one, so it is waited for.
    pub fn try_lock_installed(&self, config: &Config) -> Result<Option<Lock>, Failure> {
        if !self.join(LOCK_FILE).exists() {
            require(Installation::look(config), &self.0)?;
        }
        let lock = self.try_lock(&config.database)?;
        if lock.is_some() {
            require(Installation::look(config), &self.0)?;
        }
        Ok(lock)
    }

    /// Opens everything; of the pools, the default one. Only who holds the lock may, so that an embedded database has one
    /// writer.
    pub async fn open(&self, config: &Config, port: u16, _lock: &Lock) -> Result<Arc<Pools>, Failure> {
        restore::settle(config).await?;
        let settings = Settings {
            base_url: config.base_url(port)?,
            proxies: config.proxies.clone(),
            outbound: config.outbound()?,
            key_rotation: Seconds(config.key_rotation_days * 86_400),
        };
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
                return Err(explain(config, &self.join(KEY_FILE), &error));
            }
        };
        let hasher =
            Hasher::start().map_err(|error| Failure::io("cannot start the hashing threads", &error))?;
        Ok(Pools::new(Signet::new(settings, store, Arc::new(SystemClock), hasher)))
    }

    fn master_key(&self, config: &Config) -> Result<Key, Failure> {
        match existing_key(&self.0)? {
            Some(key) => Ok(Key { key, new: false }),
            None => self.new_key(config),
        }
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

    /// Writes the key. What it seals could never be opened without it.
    pub fn write_key(&self, key: &MasterKey) -> io::Result<()> {
        self.write_private(KEY_FILE, key.encode().as_str())
    }

    /// Writes a line to a file for its owner alone, which is complete and on the disk before it has its name.
    pub fn write_private(&self, name: &str, line: &str) -> io::Result<()> {
        let temporary = self.join(&format!("{name}.new"));
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{line}")?;
        file.sync_all()?;
        fs::rename(&temporary, self.join(name))?;
        File::open(&self.0)?.sync_all()
    }
}

/// What there is of an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// A master key and a database.
    Whole,
    /// A master key without its embedded database.
    KeyAlone,
    /// Nothing.
    Missing,
}

impl Installation {
    /// Looks for the key, in a file or the environment, and for an embedded database. Nobody is asked about a database
    /// elsewhere.
    pub fn look(config: &Config) -> Installation {
        let key = std::env::var_os(MASTER_KEY_VARIABLE).is_some() || config.data.join(KEY_FILE).exists();
        let database = match &config.database {
            Database::Sqlite(path) => path.exists(),
            Database::Postgres(_) => true,
        };
        match (key, database) {
            (true, true) => Installation::Whole,
            (true, false) => Installation::KeyAlone,
            (false, _) => Installation::Missing,
        }
    }
}

/// A command that adds to an installation must not begin one by being run in the wrong directory.
fn require(found: Installation, path: &Path) -> Result<(), Failure> {
    let help = match found {
        Installation::Whole => return Ok(()),
        Installation::KeyAlone => {
            "A master key is there, but no database: name the database with --database, or start signet serve there."
        }
        Installation::Missing => {
            "Start signet serve there, or say where the installation is with --data DIR."
        }
    };
    Err(Failure::new(format!("there is no installation in {}", path.display())).help(help))
}

struct Key {
    key: MasterKey,
    new: bool,
}

/// The master key of the environment, else of the file in the data directory at `data`; `None` where there is neither.
pub fn existing_key(data: &Path) -> Result<Option<MasterKey>, Failure> {
    match std::env::var_os(MASTER_KEY_VARIABLE) {
        Some(text) => text.to_str().and_then(MasterKey::parse).map(Some).ok_or_else(|| {
            Failure::new(format!("{MASTER_KEY_VARIABLE} must be 32 bytes as 43 base64url characters"))
                .help("Make one with: openssl rand 32 | basenc --base64url | tr -d =")
        }),
        None => key_of_file(&data.join(KEY_FILE)),
    }
}

fn key_of_file(path: &Path) -> Result<Option<MasterKey>, Failure> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(format!("cannot read {}", path.display()), &error)),
    };
    if found.mode() & 0o077 != 0 {
        let what = format!("others may read the master key {}", path.display());
        return Err(Failure::new(what).help(format!("Close it to them: chmod 600 {}", path.display())));
    }
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::io(format!("cannot read {}", path.display()), &error))?;
    MasterKey::parse(&text).map(Some).ok_or_else(|| {
        Failure::new(format!("{} does not hold a master key", path.display()))
            .help("It must be one line of 43 base64url characters. Put back a copy of it.")
    })
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

/// A directory that the system keeps from us.
pub fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("the data directory {} cannot be used", path.display()), error)
        .help("Give the user that runs signet the right to read and write there, or choose another with --data DIR.")
}
