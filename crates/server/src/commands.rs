//! The commands other than `serve`. Each becomes a request, which a running server answers, or this process itself.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use signet_web::{
    manage::{
        export::{Part, Secrets},
        prune::Prune,
    },
    pools::Pools,
};

use crate::{
    audit,
    backup::backup,
    check::check,
    cli::{
        Account, App, Apply, Command, CreateAccount, CreateApp, CreatePool, CreateUser, DeletePool, Export,
        Keys, Pool, RefreshAccount, RenamePool, SignOut, User, UserLink, Why,
    },
    config::Config,
    control::{self, AccountRequest, Answer, Call, DESCRIPTION_BYTES, PoolRequest, Request},
    data::{DataDir, Installation, Lock},
    failure::Failure,
    output::Output,
    password, people,
    restore::restore,
    sealed,
};

/// How long to wait for a server that starts or stops, or for another command.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `command`.
pub async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Backup(_) | Command::Check(_) | Command::Health | Command::Restore(_)
            if config.pool.is_some() =>
        {
            Err(about_all_pools())
        }
        Command::Serve(_) => Ok(()),
        Command::Apply(arguments) => apply(config, &arguments).await,
        Command::Export(arguments) => export(config, &arguments).await,
        Command::User(User::Create(arguments)) => create_user(config, &arguments).await,
        Command::User(User::SignOut(arguments)) => {
            let SignOut { users, application } = arguments;
            print(done(ask(config, Request::SignOut { users, application }).await?)?)
        }
        Command::User(User::Link(arguments)) => {
            let UserLink { user, mail, .. } = arguments;
            let request = if mail { Request::MailLink(user) } else { Request::Link(user) };
            print(done(ask(config, request).await?)?)
        }
        Command::User(User::Import(arguments)) => people::import(config, &arguments).await,
        Command::User(User::Export(arguments)) => people::export(config, &arguments).await,
        Command::App(App::Create(arguments)) => create_app(config, &arguments).await,
        Command::App(App::Show(arguments)) => {
            print(done(ask(config, Request::Show(arguments.application)).await?)?)
        }
        Command::Account(arguments) => print(done(ask(config, Request::Account(account(arguments))).await?)?),
        Command::Pool(Pool::Show) => print(done(ask(config, Request::Pool).await?)?),
        Command::Pool(arguments) => print(done(ask(config, Request::Pools(pool(arguments))).await?)?),
        Command::Keys(Keys::List) => print(done(ask(config, Request::Keys).await?)?),
        Command::Keys(Keys::Rotate(arguments)) => {
            let request = Request::RotateKeys { issuer: arguments.issuer, now: arguments.now };
            print(done(ask(config, request).await?)?)
        }
        Command::SetupLink(_) => print(done(ask(config, Request::SetupLink).await?)?),
        Command::Audit(arguments) => audit::audit(config, arguments).await,
        Command::Why(Why { reference, application }) => {
            print(done(ask(config, Request::Why { reference, application }).await?)?)
        }
        // Standard output may be the backup itself.
        Command::Backup(arguments) => {
            eprintln!("{}", backup(config, &arguments).await?);
            Ok(())
        }
        Command::Check(arguments) => check(config, &arguments).await,
        Command::Health => print(done(health(config).await?)?),
        Command::Restore(arguments) => print(restore(config, &arguments).await?),
    }
}

/// A command that is always about everything.
pub fn about_all_pools() -> Failure {
    Failure::new("this command is about every user pool").help("Leave out --pool.")
}

/// Asks the running server, and nobody in its place.
async fn health(config: &Config) -> Result<Answer, Failure> {
    let none = || {
        Failure::new(format!("no server runs on the data directory {}", config.data.display()))
            .help("Start signet serve there, or say where it runs with --data DIR.")
    };
    if !config.data.is_dir() {
        return Err(none());
    }
    control::ask(&DataDir::installed(config)?, &Call::First(&Request::Health)).await?.ok_or_else(none)
}

async fn apply(config: &Config, arguments: &Apply) -> Result<(), Failure> {
    let text = read(&arguments.file)?;
    let prune = if arguments.prune { Prune::All } else { Prune::Nothing };
    let key = match arguments.passphrase_stdin {
        true => Some(sealed::key_of(&arguments.file, &text)?),
        false => None,
    };
    let request = match arguments.dry_run {
        true => Request::Plan { text, prune, key },
        false => Request::Apply { text, prune, key },
    };
    match ask(config, request).await? {
        Answer::Refused(problems) => Err(sealed::refused(&arguments.file, &problems)),
        answer => print(done(answer)?),
    }
}

async fn create_user(config: &Config, arguments: &CreateUser) -> Result<(), Failure> {
    let password = if arguments.generate_password {
        password::generate()
    } else if arguments.password_stdin {
        password::from_stdin()?
    } else {
        password::ask().await?
    };
    let text = entry(
        "users",
        &[
            ("username", arguments.username.clone().into()),
            ("email", arguments.email.clone().into()),
            ("phone", arguments.phone.clone().into()),
            ("name", arguments.name.clone().into()),
            ("password", password.clone().into()),
        ],
    );
    done(ask(config, Request::Create(text)).await?)?;
    let names = [&arguments.username, &arguments.email, &arguments.phone];
    let name = names.into_iter().flatten().next().map_or("", String::as_str);
    let shown = if arguments.generate_password { format!("\nPassword: {password}") } else { String::new() };
    print(format!("Created user {name}.{shown}"))
}

async fn create_app(config: &Config, arguments: &CreateApp) -> Result<(), Failure> {
    let mut fields = vec![
        ("name", arguments.name.clone().into()),
        ("identifier", arguments.identifier.clone().into()),
        ("type", arguments.kind.clone().into()),
        ("token_endpoint_auth_method", arguments.auth_method.clone().into()),
        ("introspection_endpoint_auth_method", arguments.auth_method.clone().into()),
        ("revocation_endpoint_auth_method", arguments.auth_method.clone().into()),
    ];
    if !arguments.redirect_uris.is_empty() {
        fields.push(("redirect_uris", arguments.redirect_uris.clone().into()));
    }
    done(ask(config, Request::Create(entry("applications", &fields))).await?)?;
    let (card, _) = reach(config, Request::Show(arguments.identifier.clone())).await?;
    print(done(card)?)
}

fn pool(arguments: Pool) -> PoolRequest {
    match arguments {
        Pool::Show | Pool::List => PoolRequest::List,
        Pool::Create(CreatePool { identifier, name, address, .. }) => {
            PoolRequest::Create { identifier, name, address }
        }
        Pool::Rename(RenamePool { which, name, address, .. }) => PoolRequest::Change { which, name, address },
        Pool::Delete(DeletePool { which, yes }) => PoolRequest::Delete { which, name: yes },
    }
}

fn account(arguments: Account) -> AccountRequest {
    match arguments {
        Account::Create(CreateAccount { application, token_lifetime, remarks }) => {
            AccountRequest::Create { application, token_lifetime, remarks }
        }
        Account::List(arguments) => AccountRequest::List(arguments.application),
        Account::Show(arguments) => AccountRequest::Show(arguments.account),
        Account::Refresh(RefreshAccount { account, overlap }) => AccountRequest::Refresh { account, overlap },
        Account::Disable(arguments) => AccountRequest::Enable { account: arguments.account, enabled: false },
        Account::Enable(arguments) => AccountRequest::Enable { account: arguments.account, enabled: true },
        Account::Delete(arguments) => AccountRequest::Delete(arguments.account),
    }
}

/// A description with one entry. TOML reads a JSON text or list of texts as the same value.
fn entry(table: &str, fields: &[(&str, Value)]) -> String {
    let given = fields.iter().filter(|(_, value)| !value.is_null());
    given.fold(format!("[[{table}]]\n"), |text, (key, value)| text + &format!("{key} = {value}\n"))
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::io(format!("cannot read {}", path.display()), &error);
    let source: Box<dyn Read> = match path.to_str() {
        Some("-") => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(failed)?),
    };
    let mut text = String::new();
    let length = source.take(DESCRIPTION_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(length).is_ok_and(|length| length <= DESCRIPTION_BYTES) {
        return Ok(text);
    }
    Err(Failure::new(format!("{} is larger than 8 MB", path.display()))
        .help("Apply it in parts: what a file does not mention stays as it is."))
}

/// Has `request` done, and says where: a command in the wrong directory is noticed by that.
pub async fn ask(config: &Config, request: Request) -> Result<Answer, Failure> {
    let (answer, way) = reach(config, request).await?;
    eprintln!("Data directory {}, {way}", config.data.display());
    Ok(answer)
}

/// Who does what several requests ask, one after the other.
pub enum Way {
    /// The running server, in this pool.
    Server(DataDir, Option<String>),
    /// This process, in this pool.
    Here(Arc<Pools>, Option<String>, #[allow(dead_code, reason = "it is held")] Lock),
}

impl Way {
    /// The running server, or this process when none runs.
    pub async fn find(config: &Config) -> Result<Way, Failure> {
        let data = DataDir::installed(config)?;
        let mut waited = Duration::ZERO;
        loop {
            if control::is_answered(&data).await {
                return Ok(Way::Server(data, config.pool.clone()));
            }
            if let Some(lock) = data.try_lock_installed(config)? {
                let pools = data.open(config, config.listen.port(), &lock).await?;
                return Ok(Way::Here(pools, config.pool.clone(), lock));
            }
            wait(&data, &mut waited).await?;
        }
    }

    /// Has `request` done.
    pub async fn ask(&self, request: Request) -> Result<String, Failure> {
        let answer = match self {
            Way::Server(data, pool) => control::ask(data, &Call::about(pool.as_deref(), &request)).await?,
            Way::Here(pools, pool, _) => {
                Some(control::answer(pools, Call::about(pool.as_deref(), request)).await)
            }
        };
        done(answer.ok_or_else(|| Failure::new("the server ended; what was done before stays"))?)
    }

    /// Lets go of what was opened.
    pub async fn close(self) {
        if let Way::Here(pools, _, _lock) = self {
            pools.close().await;
        }
    }
}

/// Waits a moment for a server that is just starting or stopping, or for another command; not for ever.
async fn wait(data: &DataDir, waited: &mut Duration) -> Result<(), Failure> {
    if *waited >= PATIENCE {
        let what = format!("the data directory {} is in use, but nothing answers", data.path().display());
        return Err(Failure::new(what).help("Try again in a moment, or restart the server that uses it."));
    }
    let step = Duration::from_millis(50);
    tokio::time::sleep(step).await;
    *waited += step;
    Ok(())
}

/// Asks the server that runs on the data directory, or does it here when none does; and in which of these ways.
pub async fn reach(config: &Config, request: Request) -> Result<(Answer, &'static str), Failure> {
    match connect(config, &request).await? {
        Done::Answered(answer) => Ok((answer, THROUGH)),
        Done::Here(here) => {
            let answer = here.answer(config, request).await;
            here.pools.close().await;
            Ok((answer, if here.new { "new" } else { ALONE }))
        }
    }
}

const THROUGH: &str = "through the running server";
const ALONE: &str = "no server running";

/// How something is done.
enum Done {
    /// A running server did it.
    Answered(Answer),
    /// None runs: this process does it, and is alone.
    Here(Here),
}

/// What this process opened, for as long as it holds the lock.
struct Here {
    pools: Arc<Pools>,
    new: bool,
    _lock: Lock,
}

impl Here {
    async fn answer(&self, config: &Config, request: Request) -> Answer {
        control::answer(&self.pools, Call::about(config.pool.as_deref(), request)).await
    }
}

/// Has a running server do it, or opens the installation.
async fn connect(config: &Config, request: &Request) -> Result<Done, Failure> {
    let install = request.may_install() && config.pool.is_none();
    let data = if install { DataDir::create(&config.data)? } else { DataDir::installed(config)? };
    let mut waited = Duration::ZERO;
    loop {
        if let Some(answer) = control::ask(&data, &Call::about(config.pool.as_deref(), request)).await? {
            return Ok(Done::Answered(answer));
        }
        let lock = if install { data.try_lock(&config.database)? } else { data.try_lock_installed(config)? };
        if let Some(lock) = lock {
            let new = Installation::look(config) != Installation::Whole;
            let pools = data.open(config, config.listen.port(), &lock).await?;
            return Ok(Done::Here(Here { pools, new, _lock: lock }));
        }
        wait(&data, &mut waited).await?;
    }
}

/// Writes the whole pool, page by page.
async fn export(config: &Config, arguments: &Export) -> Result<(), Failure> {
    let mut target = Output::open(&arguments.file, arguments.force)?;
    let secrets = if arguments.without_secrets { Secrets::LeftOut } else { Secrets::Sealed };
    let sealed = if arguments.passphrase_stdin { Some(sealed::new_key()?) } else { None };
    let key = sealed.as_ref().map(|sealed| sealed.key.clone());
    let request = |part| Request::Export { part, secrets, key: key.clone() };
    let (mut next, mut here) = (Some(Part::Pool), None::<Here>);
    while let Some(part) = next {
        let answer = match &here {
            Some(here) => here.answer(config, request(part)).await,
            None => match connect(config, &request(part.clone())).await? {
                Done::Answered(answer) => answer,
                Done::Here(opened) => {
                    let answer = opened.answer(config, request(part)).await;
                    here = Some(opened);
                    answer
                }
            },
        };
        next = page(answer, &mut target)?;
    }
    if let Some(sealed) = &sealed {
        target.write(&sealed.table)?;
    }
    if let Some(here) = &here {
        here.pools.close().await;
    }
    let way = if here.is_some() { ALONE } else { THROUGH };
    eprintln!("Data directory {}, {way}", config.data.display());
    target.finish()
}

/// Writes a page, and says which is next.
fn page(answer: Answer, target: &mut Output) -> Result<Option<Part>, Failure> {
    match answer {
        Answer::Page { text, next } => target.write(&text).map(|()| next),
        other => done(other).map(|_| None),
    }
}

pub fn done(answer: Answer) -> Result<String, Failure> {
    match answer {
        Answer::Done(text) | Answer::Page { text, .. } | Answer::Records { text, .. } => Ok(text),
        Answer::Failed(reason) => Err(Failure::new(reason)),
        Answer::Refused(problems) => {
            let mut messages: Vec<String> =
                problems.into_iter().map(|(_, message)| in_flags(message)).collect();
            messages.dedup();
            Err(Failure::new(messages.join("\n  ")))
        }
    }
}

/// The flags of the creating commands, by the keys of the description that is made from them.
const FLAGS: &[(&str, &str)] = &[
    ("redirect_uris", "--redirect-uri"),
    ("token_endpoint_auth_method", "--auth-method"),
    ("introspection_endpoint_auth_method", "--auth-method"),
    ("revocation_endpoint_auth_method", "--auth-method"),
    ("name", "--name"),
    ("identifier", "--identifier"),
    ("type", "--type"),
    ("username", "--username"),
    ("email", "--email"),
    ("phone", "--phone"),
];

/// A message about a description, for who gave flags and not a file.
fn in_flags(message: String) -> String {
    FLAGS.iter().fold(message, |text, (key, flag)| text.replace(&format!("`{key}`"), flag))
}

/// To standard output; a reader that left early, such as `head`, is no failure.
pub fn print(text: String) -> Result<(), Failure> {
    match io::Write::write_all(&mut io::stdout(), format!("{}\n", text.trim_end()).as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("cannot print", &error)),
        _ => Ok(()),
    }
}
