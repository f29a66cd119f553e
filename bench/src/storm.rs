//! Tokens while passwords are tried: whether a storm of logins is felt by those who are signed in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Failure,
    browser::Browser,
    flows::{Alg, Flow},
    http::Connection,
    load::{Load, Slice, Ticks, percentile},
    population::Population,
    worker::{self, Site},
};

/// Clients that try passwords.
const CLIENTS: u64 = 64;
/// Connections that refresh meanwhile, and how often each does.
const CONNECTIONS: usize = 16;
const PACE: Duration = Duration::from_millis(40);
/// Quiet and storm take turns this often, so that both see the same machine.
const TURNS: u32 = 3;
/// A busy server is asked again after this.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What a storm does to refreshes.
pub struct Storm {
    /// The refresh that one in a hundred exceeds, without a storm.
    pub quiet: Duration,
    /// The same in the storm.
    pub stormy: Duration,
    /// Passwords that were looked at each second.
    pub attempts_per_second: f64,
}

impl Storm {
    /// How many times longer it takes in the storm.
    pub fn ratio(&self) -> f64 {
        self.stormy.as_secs_f64() / self.quiet.as_secs_f64()
    }
}

/// Measures `length` without a storm and as long in one.
pub fn measure(site: &Arc<Site>, length: Duration, slots: usize) -> Result<Storm, Failure> {
    let mut load = Load::start(site, Flow::Refresh(Alg::Es256), CONNECTIONS.min(slots), 1)?;
    let (mut quiet, mut stormy) = (Ticks::new(), Ticks::new());
    let (mut attempts, mut elapsed) = (0, Duration::ZERO);
    for _ in 0..TURNS {
        quiet.extend(load.run_paced(length / TURNS, PACE)?.ticks);
        let (slice, looked_at) = in_storm(site, || load.run_paced(length / TURNS, PACE))?;
        stormy.extend(slice.ticks);
        attempts += looked_at;
        elapsed += slice.elapsed;
    }
    quiet.sort_unstable();
    stormy.sort_unstable();
    Ok(Storm {
        quiet: percentile(&quiet, 99),
        stormy: percentile(&stormy, 99),
        attempts_per_second: attempts as f64 / elapsed.as_secs_f64(),
    })
}

/// What all clients of a storm see.
#[derive(Default)]
struct Weather {
    over: AtomicBool,
    waiting: AtomicU64,
    looked_at: AtomicU64,
}

/// Runs `measured` once every client has a password in the queue. All passwords are looked at before this returns.
fn in_storm(
    site: &Arc<Site>,
    measured: impl FnOnce() -> Result<Slice, Failure>,
) -> Result<(Slice, u64), Failure> {
    let weather = Arc::new(Weather::default());
    let (site, own) = (Arc::clone(site), Arc::clone(&weather));
    let storm = thread::Builder::new().name("storm".to_owned()).spawn(move || blow(&site, &own))?;
    let since = Instant::now();
    while weather.waiting.load(Ordering::Relaxed) < CLIENTS
        && since.elapsed() < Duration::from_secs(20)
        && !storm.is_finished()
    {
        thread::sleep(Duration::from_millis(5));
    }
    let before = weather.looked_at.load(Ordering::Relaxed);
    let slice = measured();
    let looked_at = weather.looked_at.load(Ordering::Relaxed) - before;
    weather.over.store(true, Ordering::Relaxed);
    storm.join().map_err(|_| "the storm ended by a panic")??;
    Ok((slice?, looked_at))
}

fn blow(site: &Arc<Site>, weather: &Arc<Weather>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            clients.spawn(guess(Arc::clone(site), Arc::clone(weather), number));
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        Ok(())
    })
}

/// Tries a wrong password for one name after the other, some of them of people there are: nobody may be tried so often that the
/// throttle answers instead of the hash.
async fn guess(site: Arc<Site>, weather: Arc<Weather>, number: u64) -> Result<(), Failure> {
    let mut connection = Connection::open(site.port).await?;
    let mut browser = Browser::new(&mut connection, site.port);
    let form = browser.open_login(&worker::authorize(Alg::Es256, Flow::Login.response_type())).await?;
    let mut name = number;
    weather.waiting.fetch_add(1, Ordering::Relaxed);
    while !weather.over.load(Ordering::Relaxed) {
        match browser.try_password(&form, &Population::username(name), "wrong password").await? {
            400 => drop(weather.looked_at.fetch_add(1, Ordering::Relaxed)),
            429 | 503 => tokio::time::sleep(BACK_OFF).await,
            status => return Err(format!("a wrong password was answered with {status}").into()),
        }
        name += CLIENTS;
    }
    Ok(())
}
