//! The control socket: how commands reach a running server, so that an embedded database has one writer.
//!
//! One JSON line asks, one JSON line answers. The socket is in the data directory, for its owner alone; who can open it
//! could read the master key as well.

mod accounts;
mod pools;

use std::{
    fmt::Display,
    fs::{self, File, Permissions},
    io::{self, ErrorKind},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use signet_store::{
    MasterKey, Turn,
    audit::{Act, Origin, Record, Select, Via},
};
use signet_web::{
    Signet, mail,
    manage::{
        apply,
        audit::{self, Asked},
        description::Description,
        export::{self, Part, Secrets},
        keys,
        plan::{self, Plan, PlanError},
        pools::PoolError,
        problem::Problem,
        prune::{self, Prune},
        setup, show, sign_out, trace,
        users::{
            export as people,
            import::{Mode, Record as Person, chunk},
            link,
            list::Cursor,
        },
    },
    pools::Pools,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

pub use self::{accounts::AccountRequest, pools::PoolRequest};
use crate::{
    data::{DataDir, unusable},
    failure::Failure,
};

/// Bytes of a request.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of an answer: a plan says more than the file it is made from, and a page of an export ends with an application,
/// however many accounts and rules that has.
const ANSWER_BYTES: u64 = 16 * REQUEST_BYTES;
/// Bytes of a description: escaped as JSON it is twice as long at worst, and still fits a request.
pub const DESCRIPTION_BYTES: u64 = REQUEST_BYTES / 2 - 1024;
/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
const SOCKET: &str = "signet.sock";

/// A request, and the pool that it is about. What is about the default pool is said as it was before there were others.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Call<R = Request> {
    /// About the pool of this identifier or id.
    Of {
        /// Which.
        pool: String,
        /// What.
        request: R,
    },
    /// About the default pool.
    First(R),
}

impl<R> Call<R> {
    /// `request` about `pool`, or about the default one.
    pub fn about(pool: Option<&str>, request: R) -> Call<R> {
        match pool {
            Some(pool) => Call::Of { pool: pool.to_owned(), request },
            None => Call::First(request),
        }
    }
}

/// What a command wants done. It may hold passwords, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// What applying this description would do.
    Plan {
        text: String,
        prune: Prune,
        #[serde(default)]
        key: Option<String>,
    },
    /// Apply this description. Its sealed secrets are opened with `key`, if there is one.
    Apply {
        text: String,
        prune: Prune,
        #[serde(default)]
        key: Option<String>,
    },
    /// Apply this description, if nothing in it exists.
    Create(String),
    /// Show the application of this App ID or identifier.
    Show(String),
    /// Show the pool's own fields, claims and scopes.
    Pool,
    /// List the signing keys.
    Keys,
    /// Take the next step with the signing keys of one issuer or all; with `now`, have another key sign at once.
    RotateKeys { issuer: Option<String>, now: bool },
    /// Sign users out everywhere, or of one application.
    SignOut { users: Vec<String>, application: Option<String> },
    /// Make a link by which the first administrator comes to the console.
    SetupLink,
    /// A part of the description of the whole pool.
    Export {
        part: Part,
        secrets: Secrets,
        /// With what secrets are sealed, if not with the master key.
        #[serde(default)]
        key: Option<String>,
    },
    /// Make, list or change programmatic access accounts.
    Account(AccountRequest),
    /// List, make, change or remove user pools.
    Pools(PoolRequest),
    /// Make a one-time link for a user.
    Link(String),
    /// The same, sent to their address.
    MailLink(String),
    /// Take users in.
    Import { records: Vec<Person>, mode: Mode },
    /// The next users, with or without the hashes of their passwords.
    ExportUsers { after: Option<String>, hashes: bool },
    /// A page of the audit log.
    Audit(Box<AuditPage>),
    /// Walk over the audit log.
    VerifyAudit { expect: Option<String> },
    /// Delete the records of the audit log that are older than so many days.
    PruneAudit { days: i64 },
    /// Why a request was refused, by its reference, or the newest of an application.
    Why { reference: Option<String>, application: Option<String> },
    /// Whether the database answers.
    Health,
}

/// Which page of the audit log, and how it is written.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// What is looked for.
    pub asked: Asked,
    /// In which form.
    pub form: AuditForm,
    /// Behind which record.
    pub after: Option<String>,
    /// How many.
    pub limit: i64,
    /// Oldest first.
    pub forward: bool,
}

/// How records are written.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditForm {
    /// For people.
    Lines,
    /// One JSON object in each line.
    Json,
    /// Comma-separated values, without the line of their names.
    Csv,
}

impl Request {
    /// Whether it may begin an installation. The others add to one or look into one.
    pub fn may_install(&self) -> bool {
        matches!(self, Request::Plan { .. } | Request::Apply { .. } | Request::SetupLink)
    }
}

/// What came of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done: what to print.
    Done(String),
    /// A page of an export, and where it goes on.
    Page { text: String, next: Option<Part> },
    /// Records of the audit log, and where the next page begins.
    Records { text: String, next: Option<String> },
    /// The description is wrong: lines and messages. Nothing was changed.
    Refused(Vec<(usize, String)>),
    /// It could not be done, and why.
    Failed(String),
}

/// Does what is asked, in the pool that is asked for, here.
pub async fn answer(pools: &Pools, call: Call) -> Answer {
    let (named, request) = match call {
        Call::First(request) => return answer_in(pools.first(), request).await,
        Call::Of { pool, request } => (pool, request),
    };
    match pools.find(&named).await {
        Ok(Some(signet)) => {
            let answer = answer_in(&signet, request).await;
            // One that was opened for this request alone has nobody else to write down what it counted.
            signet.store().settle().await;
            answer
        }
        Ok(None) => Answer::Failed(PoolError::Missing(named).to_string()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// A command and a server of different versions.
const NO_KEY: &str = "the key of the sealed secrets is none; use the signet that the server runs";

async fn answer_in(signet: &Signet, request: Request) -> Answer {
    let (text, prune, key, doing) = match request {
        Request::Show(named) => return card(signet, &named).await,
        Request::Pool => return done(show::pool(signet).await),
        Request::Keys => return done(keys::list(signet).await),
        Request::RotateKeys { issuer, now } => {
            return done(keys::rotate(signet, issuer.as_deref(), now, &Origin::command_line()).await);
        }
        Request::SignOut { users, application } => {
            return done(
                sign_out::users(signet, &users, application.as_deref(), &Origin::command_line()).await,
            );
        }
        Request::SetupLink => return setup_link(signet).await,
        Request::Account(request) => return done(accounts::answer(signet, request).await),
        Request::Pools(request) => return done(pools::answer(signet, request).await),
        Request::Link(user) => return done(link::create_for(signet, &user, &Origin::command_line()).await),
        Request::MailLink(user) => {
            return done(mail::send_link_for(signet, &user, &Origin::command_line()).await);
        }
        Request::Import { records, mode } => {
            return as_json(chunk::run(signet, records, mode, &Origin::command_line()).await);
        }
        Request::ExportUsers { after, hashes } => {
            let after = after.as_deref().and_then(Cursor::parse);
            let page = people::page(signet, after, hashes).await;
            return as_json(page.map(|(users, next)| (users, next.map(|next| next.encode()))));
        }
        Request::Audit(page) => return records(signet, *page).await,
        Request::VerifyAudit { expect } => {
            return match audit::verify(signet, expect.as_deref()).await {
                Ok(verified) => done(audit::verdict(&verified)),
                Err(error) => Answer::Failed(error.to_string()),
            };
        }
        Request::PruneAudit { days } => {
            let gone = audit::prune(signet, days, &Origin::command_line()).await;
            return done(gone.map(|gone| format!("Deleted {gone} records that are older than {days} days.")));
        }
        Request::Why { reference, application } => return why(signet, reference, application).await,
        Request::Health => {
            return match signet.store().ping().await {
                Ok(()) => Answer::Done("The server runs and its database answers.".to_owned()),
                Err(error) => Answer::Failed(error.to_string()),
            };
        }
        Request::Export { part, secrets, key } => {
            let page = match key.as_deref().map(MasterKey::parse) {
                None => export::page(signet, part, secrets).await,
                Some(Some(key)) => export::page_under(signet, part, &key).await,
                Some(None) => return Answer::Failed(NO_KEY.to_owned()),
            };
            return match page {
                Ok(page) => Answer::Page { text: page.text, next: page.next },
                Err(error) => Answer::Failed(error.to_string()),
            };
        }
        Request::Plan { text, prune, key } => (text, prune, key, Doing::Plan),
        Request::Apply { text, prune, key } => (text, prune, key, Doing::Apply),
        Request::Create(text) => (text, Prune::Nothing, None, Doing::Create),
    };
    let description = match (Description::parse(&text), key.as_deref().map(MasterKey::parse)) {
        (Ok(mut description), Some(Some(key))) => description.unseal(&key).map(|()| description),
        (_, Some(None)) => return Answer::Failed(NO_KEY.to_owned()),
        (parsed, None) | (parsed @ Err(_), _) => parsed,
    };
    let description = match description {
        Ok(description) => prune::complete(signet, description, prune).await,
        Err(problems) => return refused(problems),
    };
    let description = match description {
        Ok(description) => description,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let applying = Origin { via: Via::Apply, ..Origin::command_line() };
    let outcome: Result<Plan, PlanError> = match doing {
        Doing::Plan => plan::plan(signet, &description).await,
        Doing::Apply => apply::apply(signet, &description, &applying).await,
        Doing::Create => apply::create(signet, &description, &Origin::command_line()).await,
    };
    match outcome {
        Ok(plan) => Answer::Done(plan.to_string()),
        Err(PlanError::Refused(problems)) => refused(problems),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

enum Doing {
    Plan,
    Apply,
    Create,
}

async fn setup_link(signet: &Signet) -> Answer {
    match setup::offer(signet, &Origin::command_line()).await {
        Ok(Some(link)) => Answer::Done(format!("{}\nGood once, for 24 hours.", link.url())),
        Ok(None) => Answer::Failed(
            "this pool has an owner already; they give others a role at the console, under Settings"
                .to_owned(),
        ),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

async fn records(signet: &Signet, page: AuditPage) -> Answer {
    let AuditPage { asked, form, after, limit, forward } = page;
    let found = audit::list(signet, &asked, &Select { after, limit, forward, bounded: false }).await;
    let page = match found {
        Ok(page) => page,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let each = |line: fn(&Record) -> String| page.records.iter().map(line).collect::<Vec<_>>().join("\n");
    let text = match form {
        AuditForm::Lines => audit::Lines(&page.records).to_string(),
        AuditForm::Json => each(|record| audit::as_json(record).to_string()),
        AuditForm::Csv => each(audit::as_csv),
    };
    Answer::Records { text, next: page.next }
}

/// Traces of an application that are shown.
const TRACES: usize = 20;

async fn why(signet: &Signet, reference: Option<String>, application: Option<String>) -> Answer {
    let found = match (&reference, &application) {
        (Some(reference), _) => trace::find(signet, reference).await,
        (None, Some(named)) => match show::application_id(signet, named).await {
            Ok(Some(id)) => trace::newest(signet, Some(id), Turn::First, TRACES).await.map(|page| page.rows),
            Ok(None) => return Answer::Failed(format!("there is no application {named:?}")),
            Err(error) => Err(error),
        },
        (None, None) => trace::newest(signet, None, Turn::First, TRACES).await.map(|page| page.rows),
    };
    match found {
        Ok(found) if found.is_empty() => Answer::Failed(
            "there is no trace of that: it is older than a week, or was one of very many in its minute"
                .to_owned(),
        ),
        Ok(found) => Answer::Done(found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

async fn card(signet: &Signet, named: &str) -> Answer {
    match show::application(signet, named).await {
        Ok(Some(card)) => {
            let shown = Act::new(signet.now(), card.entry(&Origin::command_line()));
            match signet.store().write_audit(&shown).await {
                Ok(()) => Answer::Done(card.to_string()),
                Err(error) => Answer::Failed(error.to_string()),
            }
        }
        Ok(None) => {
            Answer::Failed(format!("there is no application with the App ID or identifier {named:?}"))
        }
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn done<T: Display, E: Display>(outcome: Result<T, E>) -> Answer {
    match outcome {
        Ok(text) => Answer::Done(text.to_string()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

/// What another process reads.
fn as_json<T: Serialize, E: Display>(outcome: Result<T, E>) -> Answer {
    match outcome.map(|value| serde_json::to_string(&value)) {
        Ok(Ok(text)) => Answer::Done(text),
        Ok(Err(error)) => Answer::Failed(error.to_string()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn refused(problems: Vec<Problem>) -> Answer {
    Answer::Refused(problems.into_iter().map(|problem| (problem.line, problem.message.to_string())).collect())
}

/// Where the socket can be named. The system takes about 100 bytes for the name of a socket; a longer one is said by way
/// of the directory's descriptor, which must stay open meanwhile.
struct Place {
    data: PathBuf,
    directory: File,
}

impl Place {
    fn of(data: &DataDir) -> io::Result<Place> {
        Ok(Place { data: data.path().to_owned(), directory: File::open(data.path())? })
    }

    fn path(&self, name: &str) -> PathBuf {
        let plain = self.data.join(name);
        if plain.as_os_str().len() <= 100 {
            return plain;
        }
        format!("/proc/self/fd/{}/{name}", self.directory.as_raw_fd()).into()
    }
}

/// The server's end.
pub struct Control {
    listener: UnixListener,
    place: Place,
}

impl Control {
    /// Opens the socket. Whoever calls holds the lock, so a socket that is there already is a dead server's.
    pub fn open(data: &DataDir) -> Result<Control, Failure> {
        let failed = |error| Failure::io(format!("cannot open {}", data.join(SOCKET).display()), &error);
        Control::try_open(data).map_err(failed)
    }

    fn try_open(data: &DataDir) -> io::Result<Control> {
        let place = Place::of(data)?;
        // Closed to others before it has the name by which it is found.
        let unnamed = place.path("signet.sock.new");
        drop(fs::remove_file(&unnamed));
        let listener = UnixListener::bind(&unnamed)?;
        fs::set_permissions(&unnamed, Permissions::from_mode(0o600))?;
        fs::rename(&unnamed, place.path(SOCKET))?;
        Ok(Control { listener, place })
    }

    /// Answers until the sender of `stopped` is gone, and then finishes what it has begun.
    pub async fn run(self, pools: Arc<Pools>, mut stopped: watch::Receiver<()>) {
        let mut talks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.changed() => break,
            };
            match accepted {
                Ok((stream, _)) => drop(talks.spawn(converse(Arc::clone(&pools), stream))),
                Err(error) => {
                    tracing::warn!(%error, "control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            while talks.try_join_next().is_some() {}
        }
        drop(fs::remove_file(self.place.path(SOCKET)));
        while talks.join_next().await.is_some() {}
    }
}

async fn converse(pools: Arc<Pools>, mut stream: UnixStream) {
    let answer = match timeout(PATIENCE, receive(&mut stream, REQUEST_BYTES)).await {
        Ok(Ok(request)) => answer(&pools, request).await,
        Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => Answer::Failed(error.to_string()),
        // Whoever only looked whether somebody is here, or went away, waits for nothing.
        Ok(Err(_)) | Err(_) => return,
    };
    if let Err(error) = send(&mut stream, &answer).await {
        tracing::warn!(%error, "an answer on the control socket was not received");
    }
}

/// Asks the server that runs on `data`; `None` when none does.
pub async fn ask(data: &DataDir, request: &Call<&Request>) -> Result<Option<Answer>, Failure> {
    let gone = |error: io::Error| {
        Failure::io("the server ended before it answered", &error)
            .help("What was asked may have been done or not; asking again is safe.")
    };
    let place = Place::of(data).map_err(|error| unusable(data.path(), &error))?;
    match UnixStream::connect(place.path(SOCKET)).await {
        Ok(mut stream) => {
            send(&mut stream, request).await.map_err(gone)?;
            receive(&mut stream, ANSWER_BYTES).await.map(Some).map_err(gone)
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(Failure::io("cannot reach the server that uses this data directory", &error)
            .help("Run this command as the user that runs the server.")),
    }
}

/// Whether a server answers on `data`.
pub async fn is_answered(data: &DataDir) -> bool {
    match Place::of(data) {
        Ok(place) => UnixStream::connect(place.path(SOCKET)).await.is_ok(),
        Err(_) => false,
    }
}

async fn send(stream: &mut UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn receive<T: for<'de> Deserialize<'de>>(stream: &mut UnixStream, limit: u64) -> io::Result<T> {
    let wrong = |what| io::Error::new(ErrorKind::InvalidData, what);
    let mut line = Vec::new();
    BufReader::new(stream.take(limit)).read_until(b'\n', &mut line).await?;
    match line.last() {
        None => Err(io::Error::new(ErrorKind::UnexpectedEof, "nothing was said")),
        Some(b'\n') => serde_json::from_slice(&line).map_err(|_| wrong("a message is not understood")),
        Some(_) => Err(wrong("a message is too long or broken off")),
    }
}
