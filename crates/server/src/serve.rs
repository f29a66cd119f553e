//! `signet serve`: listens, hands requests to the routes, and ends without losing any.

use std::{
    fs,
    io::{self, IsTerminal},
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use signet_protocol::time::Seconds;
use signet_store::{StoreError, audit::Origin};
use signet_web::{Network, Peer, Signet, manage::setup, pools::Pools, proxies::Proxies};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::sleep,
};
use tower::ServiceExt;

use crate::{
    config::Config,
    control::{self, Control},
    data::{DataDir, Lock},
    failure::Failure,
    metrics::{self, Sources},
    served::{self, Upkeep},
    slots::{Slot, Slots},
    telemetry,
    tls::Tls,
};

/// How long a request's head may take to arrive, which is also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections at once of those who read the metrics.
const METRICS_CONNECTIONS: usize = 16;
/// How long requests in flight may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait for a command that holds the data directory.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop.
pub async fn serve(config: &Config) -> Result<(), Failure> {
    let data = DataDir::create(&config.data)?;
    let tls = config.tls.as_ref().map(Tls::load).transpose()?;
    let lock = lock(config, &data).await?;
    let listener = listen("--listen", config.listen).await?;
    let metrics_listener = match config.metrics_listen {
        Some(address) => Some(listen("--metrics-listen", address).await?),
        None => None,
    };
    let address = listener.local_addr().map_err(|error| Failure::io("cannot listen", &error))?;
    let mut signals = Signals::new().map_err(|error| Failure::io("cannot receive signals", &error))?;
    let pools = data.open(config, address.port(), &lock).await?;
    let signet = Arc::clone(pools.first());
    let unserved =
        |error: StoreError| Failure::new(format!("cannot see which user pools there are: {error}"));
    pools.note_address(true).await.map_err(unserved)?;
    pools.refresh().await.map_err(unserved)?;
    let slots = Slots::of_this_process();
    let (running, stopped) = watch::channel(());
    let control = tokio::spawn(Control::open(&data)?.run(Arc::clone(&pools), stopped.clone()));
    if let Some(tls) = &tls {
        let follower = Arc::clone(tls).follow(stopped.clone());
        tokio::spawn(follower.map_err(|error| Failure::io("cannot receive signals", &error))?);
    }
    let rotation = Seconds(config.key_rotation_days * 86_400);
    let upkeep = Upkeep { rotation, audit_retention_days: config.audit_retention_days };
    let keeper = tokio::spawn(served::keep(Arc::clone(&pools), upkeep, stopped.clone()));
    let metrics = metrics_listener.map(|listener| {
        let router = metrics::router(Sources::new(Arc::clone(&signet), Arc::clone(&slots)));
        let door = Door { routes: Routes::All(router), tls: None, stopped: stopped.clone() };
        tokio::spawn(async move {
            let (slots, connections) = (Slots::new(METRICS_CONNECTIONS), GracefulShutdown::new());
            accept(&listener, &slots, &Proxies::default(), (&door, &connections)).await;
        })
    });
    tracing::info!(
        listen = %address,
        base_url = %signet.settings().base_url.origin(&signet_protocol::issuer::Site::Pool),
        database = %config.describe_database(),
        data = %data.path().display(),
        connections = slots.all(),
        version = env!("CARGO_PKG_VERSION"),
        "Signet is ready"
    );
    tokio::spawn(offer_setup(Arc::clone(&signet), data.clone()));
    let connections = GracefulShutdown::new();
    let door = Door { routes: Routes::ByHost(Arc::clone(&pools)), tls, stopped };
    tokio::select! {
        () = accept(&listener, &slots, &config.proxies, (&door, &connections)) => {}
        () = signals.next() => signet.readiness().stop(),
    }
    if !config.drain.is_zero() {
        tracing::info!(seconds = config.drain.as_secs(), "stopping: not ready any more, and still answering");
        tokio::select! {
            () = accept(&listener, &slots, &config.proxies, (&door, &connections)) => {}
            () = sleep(config.drain) => {}
            () = signals.next() => return Err(told_twice()),
        }
    }
    drop(listener);
    drop(running);
    tracing::info!("stopping: no new connections, requests in flight are finished");
    let finished = async {
        connections.shutdown().await;
        // They end by themselves; a panic in one is logged where it happens.
        drop(tokio::join!(control, keeper));
    };
    tokio::select! {
        () = finished => {}
        () = sleep(GRACE) => tracing::warn!("some requests took too long and are broken off"),
        () = signals.next() => return Err(told_twice()),
    }
    metrics.inspect(JoinHandle::abort);
    pools.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Where a set-up link is written when nobody looks at a terminal.
const SETUP_LINK: &str = "setup-link";

/// Tells how to come to the console, as long as nobody owns the pool: on a terminal, else in a file for its owner alone, and
/// never in the log, which others read.
async fn offer_setup(signet: Arc<Signet>, data: DataDir) {
    let link = match setup::offer(&signet, &Origin::automatic()).await {
        Ok(Some(link)) => link,
        Ok(None) => {
            drop(fs::remove_file(data.join(SETUP_LINK)));
            return;
        }
        Err(error) => return tracing::warn!(%error, "no set-up link could be made"),
    };
    if io::stderr().is_terminal() {
        eprintln!(
            "\nNobody administers this pool yet. Set up its console, within 24 hours, at\n\n    {}\n",
            link.url()
        );
        return;
    }
    match data.write_private(SETUP_LINK, link.url()) {
        Ok(()) => {
            tracing::info!(file = %data.join(SETUP_LINK).display(), "nobody administers this pool yet; the file has the link that sets up its console")
        }
        Err(error) => {
            tracing::warn!(%error, "the set-up link could not be written; signet setup-link prints one")
        }
    }
}

fn told_twice() -> Failure {
    Failure::new("told to stop twice; ended at once")
}

/// The lock of the data directory. A command that holds it is waited for, another server is not.
async fn lock(config: &Config, data: &DataDir) -> Result<Lock, Failure> {
    let taken = || {
        let data = data.path().display();
        Failure::new(format!("another server already runs on the data directory {data} or its database"))
            .help("Stop it, or choose another directory with --data DIR.")
    };
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lock) = data.try_lock(&config.database)? {
            return Ok(lock);
        }
        if waited >= LOCK_PATIENCE || control::is_answered(data).await {
            return Err(taken());
        }
        let step = Duration::from_millis(50);
        sleep(step).await;
        waited += step;
    }
}

/// Listens on the address that `flag` names.
async fn listen(flag: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(flag, address, &error))
}

fn cannot_listen(flag: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            Failure::new(format!("port {port} is taken: another program listens on {address}")).help(format!(
                "Stop that program, or choose another port: {flag} {}",
                SocketAddr::new(ip, port.checked_add(1).unwrap_or(8080))
            ))
        }
        io::ErrorKind::AddrNotAvailable => {
            Failure::io(format!("cannot listen on {address}"), error).help(format!(
                "Choose an address of this machine with {flag}, such as 127.0.0.1:{port} or 0.0.0.0:{port}."
            ))
        }
        _ => Failure::io(format!("cannot listen on {address}"), error)
            .help(format!("Choose another address and port with {flag}, such as 127.0.0.1:8080.")),
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Slots>,
    proxies: &Proxies,
    (door, connections): (&Door, &GracefulShutdown),
) {
    loop {
        let Ok(vacancy) = slots.vacancy().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let ip = peer.ip().to_canonical();
                match slots.take(vacancy, Network::of(ip), proxies.trusts(ip)) {
                    Some(slot) => door.open(stream, ip, (slot, connections.watcher())),
                    None => tracing::debug!(%peer, "closed: its network has its share of connections"),
                }
            }
            Err(error) => {
                // Out of descriptors, or a peer that left: neither ends the server.
                tracing::warn!(%error, "a connection was not accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What all connections come through.
struct Door {
    routes: Routes,
    tls: Option<Arc<Tls>>,
    stopped: watch::Receiver<()>,
}

/// Where requests go.
#[derive(Clone)]
enum Routes {
    /// All of them here.
    All(Router),
    /// Each to the pool of its host.
    ByHost(Arc<Pools>),
}

impl Routes {
    fn of<B>(&self, request: &Request<B>) -> Router {
        match self {
            Routes::All(router) => router.clone(),
            Routes::ByHost(pools) => pools.route(request.headers(), request.uri()),
        }
    }
}

impl Door {
    /// Serves a connection, in a task of its own, until its end.
    fn open(&self, stream: TcpStream, peer: IpAddr, kept: Kept) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
        let routes = self.routes.clone();
        match &self.tls {
            None => drop(tokio::spawn(converse(stream, peer, routes, kept))),
            Some(tls) => {
                let (tls, mut stopped) = (Arc::clone(tls), self.stopped.clone());
                tokio::spawn(async move {
                    // Before the handshake is over no request has begun that would have to be finished.
                    let secured = tokio::select! {
                        secured = tls.accept(stream) => secured,
                        _ = stopped.changed() => return,
                    };
                    match secured {
                        Ok(stream) => converse(stream, peer, routes, kept).await,
                        Err(error) => tracing::debug!(%peer, %error, "no TLS"),
                    }
                });
            }
        }
    }
}

/// What a connection holds as long as it lasts: its slot, and a stop of the server.
type Kept = (Slot, Watcher);

async fn converse<S>(stream: S, peer: IpAddr, routes: Routes, (slot, watcher): Kept)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let router = routes.of(&request);
        telemetry::traced(request, move |request| router.oneshot(request))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection");
    }
    drop(slot);
}

/// What tells a server to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        let (terminate, interrupt) = (pin!(self.terminate.recv()), pin!(self.interrupt.recv()));
        tokio::select! {
            _ = terminate => {}
            _ = interrupt => {}
        }
    }
}
