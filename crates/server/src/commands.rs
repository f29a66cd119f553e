//! The commands other than `serve`. Each becomes a request, which a running server answers, or this process itself.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use serde_json::Value;

use crate::{
    audit,
    backup::backup,
    check::check,
    cli::{App, Apply, Command, CreateApp, CreateUser, Keys, Pool, SignOut, User, Why},
    config::Config,
    control::{self, Answer, DESCRIPTION_BYTES, Request},
    data::{DataDir, Installation},
    failure::Failure,
    password,
    restore::restore,
};

/// How long to wait for a server that starts or stops, or for another command.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `command`.
pub async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(_) => Ok(()),
        Command::Apply(arguments) => apply(config, &arguments).await,
        Command::User(User::Create(arguments)) => create_user(config, &arguments).await,
        Command::User(User::SignOut(arguments)) => {
            let SignOut { users, application } = arguments;
            print(done(ask(config, Request::SignOut { users, application }).await?)?)
        }
        Command::App(App::Create(arguments)) => create_app(config, &arguments).await,
        Command::App(App::Show(arguments)) => {
            print(done(ask(config, Request::Show(arguments.application)).await?)?)
        }
        Command::Pool(Pool::Show) => print(done(ask(config, Request::Pool).await?)?),
        Command::Keys(Keys::List) => print(done(ask(config, Request::Keys).await?)?),
        Command::Keys(Keys::Rotate(arguments)) => {
            let request = Request::RotateKeys { issuer: arguments.issuer, now: arguments.now };
            print(done(ask(config, request).await?)?)
        }
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

/// Asks the running server, and nobody in its place.
async fn health(config: &Config) -> Result<Answer, Failure> {
    let none = || {
        Failure::new(format!("no server runs on the data directory {}", config.data.display()))
            .help("Start signet serve there, or say where it runs with --data DIR.")
    };
    if !config.data.is_dir() {
        return Err(none());
    }
    control::ask(&DataDir::installed(config)?, &Request::Health).await?.ok_or_else(none)
}

async fn apply(config: &Config, arguments: &Apply) -> Result<(), Failure> {
    let text = read(&arguments.file)?;
    let request = if arguments.dry_run { Request::Plan(text) } else { Request::Apply(text) };
    match ask(config, request).await? {
        Answer::Refused(problems) => {
            let file = arguments.file.display();
            let lines: Vec<String> =
                problems.iter().map(|(line, text)| format!("{file}:{line}: {text}")).collect();
            Err(Failure::new(format!("nothing was changed\n{}", lines.join("\n"))))
        }
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

/// Asks the server that runs on the data directory, or does it here when none does; and in which of these ways.
pub async fn reach(config: &Config, request: Request) -> Result<(Answer, &'static str), Failure> {
    let install = request.may_install();
    let data = if install { DataDir::create(&config.data)? } else { DataDir::installed(config)? };
    let mut waited = Duration::ZERO;
    loop {
        if let Some(answer) = control::ask(&data, &request).await? {
            return Ok((answer, "through the running server"));
        }
        let lock = if install { data.try_lock(&config.database)? } else { data.try_lock_installed(config)? };
        if let Some(lock) = lock {
            let new = Installation::look(config) != Installation::Whole;
            let signet = data.open(config, config.listen.port(), &lock).await?;
            let answer = control::answer(&signet, request).await;
            signet.store().clone().close().await;
            return Ok((answer, if new { "new" } else { "no server running" }));
        }
        // A server that is just starting or stopping, or another command.
        if waited >= PATIENCE {
            let what = format!("the data directory {} is in use, but nothing answers", data.path().display());
            return Err(Failure::new(what).help("Try again in a moment, or restart the server that uses it."));
        }
        let step = Duration::from_millis(50);
        tokio::time::sleep(step).await;
        waited += step;
    }
}

pub fn done(answer: Answer) -> Result<String, Failure> {
    match answer {
        Answer::Done(text) => Ok(text),
        Answer::Records { text, .. } => Ok(text),
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
