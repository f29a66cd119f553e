//! The network between Signet and PostgreSQL, which can fail.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    sync::watch,
    time::sleep,
};

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// They work.
    Whole,
    /// They are closed, and so are new ones.
    Cut,
    /// What is sent on them arrives nowhere, and new ones are accepted and never answered.
    Silent,
}

/// A proxy in front of a cluster's socket. A connection that met [`Network::Silent`] stays silent for ever, as one whose
/// other end is gone does.
pub struct Proxy {
    pub port: u16,
    network: watch::Sender<Network>,
    commit: Arc<Trap>,
}

/// Lets one COMMIT reach the server and its answer reach nobody.
#[derive(Default)]
struct Trap {
    set: AtomicBool,
    sprung: AtomicU64,
}

impl Proxy {
    pub async fn to(socket: PathBuf) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (network, state) = watch::channel(Network::Whole);
        let commit = Arc::new(Trap::default());
        let trap = Arc::clone(&commit);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (socket, state, trap) = (socket.clone(), state.clone(), Arc::clone(&trap));
                tokio::spawn(async move {
                    let Ok(server) = UnixStream::connect(&socket).await else { return };
                    let (from_client, to_client) = stream.into_split();
                    let (from_server, to_server) = server.into_split();
                    let deaf = watch::Sender::new(false);
                    let to_server = carry(from_client, to_server, &state, |bytes| {
                        if trap.springs(bytes) {
                            deaf.send_replace(true);
                        }
                        true
                    });
                    let to_client = carry(from_server, to_client, &state, |_| !*deaf.borrow());
                    tokio::select! {
                        () = to_server => {}
                        () = to_client => {}
                        () = forgotten(deaf.subscribe()) => {}
                        () = cut(state.clone()) => {}
                    }
                });
            }
        });
        Proxy { port, network, commit }
    }

    pub fn becomes(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// The next transaction is committed, and nobody is told.
    pub fn lose_the_next_commit(&self) {
        self.commit.set.store(true, Ordering::SeqCst);
    }

    pub fn lost_commits(&self) -> u64 {
        self.commit.sprung.load(Ordering::SeqCst)
    }
}

impl Trap {
    fn springs(&self, bytes: &[u8]) -> bool {
        let commits = bytes.windows(7).any(|window| window == b"COMMIT\0");
        let springs = commits && self.set.swap(false, Ordering::SeqCst);
        self.sprung.fetch_add(u64::from(springs), Ordering::SeqCst);
        springs
    }
}

/// The server has had the time to commit, and nobody hears of it.
async fn forgotten(mut deaf: watch::Receiver<bool>) {
    drop(deaf.wait_for(|deaf| *deaf).await);
    sleep(Duration::from_millis(300)).await;
}

async fn cut(mut state: watch::Receiver<Network>) {
    drop(state.wait_for(|network| *network == Network::Cut).await);
}

/// Carries the bytes that `pass` until either end closes, or for ever once the network is silent.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &watch::Receiver<Network>,
    pass: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if *state.borrow() == Network::Silent {
            return std::future::pending().await;
        }
        if pass(&buffer[..length]) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
