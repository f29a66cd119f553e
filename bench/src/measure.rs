//! Load on one flow, and what it cost.

use std::time::{Duration, Instant};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::{
    Failure,
    flows::{Alg, Flow, Worker},
    server::Server,
};

/// How much load.
pub struct Load {
    /// Connections at once.
    pub connections: usize,
    /// For how long.
    pub length: Duration,
}

/// What one flow showed.
pub struct Line {
    /// The flow.
    pub flow: Flow,
    /// Rounds each second.
    pub per_second: f64,
    /// The median round.
    pub p50: Duration,
    /// The round that one in a hundred exceeds.
    pub p99: Duration,
    /// The server's processor time for one round.
    pub cpu: Duration,
}

/// What one raw signature costs on one core.
pub struct Signatures {
    /// RSA-2048 with SHA-256.
    pub rs256: Duration,
    /// P-256 with SHA-256.
    pub es256: Duration,
}

impl Signatures {
    /// The cost of one signature by `alg`.
    pub fn cost(&self, alg: Alg) -> Duration {
        match alg {
            Alg::Rs256 => self.rs256,
            Alg::Es256 => self.es256,
        }
    }
}

/// Puts `load` on `flow`. A round that fails ends the measurement: figures of errors mean nothing.
pub async fn run(server: &Server, flow: Flow, load: &Load) -> Result<Line, Failure> {
    let mut workers = Vec::new();
    for number in 0..load.connections {
        workers.push(Worker::start(server.port, flow, number).await?);
    }
    let (cpu, since) = (server.cpu()?, Instant::now());
    let end = since + load.length;
    let running: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(repeat(worker, end))).collect();
    let mut rounds = Vec::new();
    for task in running {
        rounds.extend(task.await??);
    }
    let (elapsed, used) = (since.elapsed(), server.cpu()?.saturating_sub(cpu));
    rounds.sort_unstable();
    let count = u32::try_from(rounds.len())?.max(1);
    let at = |hundredths: usize| rounds.get(rounds.len() * hundredths / 100).copied().unwrap_or_default();
    Ok(Line {
        flow,
        per_second: f64::from(count) / elapsed.as_secs_f64(),
        p50: at(50),
        p99: at(99),
        cpu: used / count,
    })
}

async fn repeat(mut worker: Worker, end: Instant) -> Result<Vec<Duration>, Failure> {
    let mut rounds = Vec::new();
    loop {
        let since = Instant::now();
        if since >= end {
            return Ok(rounds);
        }
        worker.round().await?;
        rounds.push(since.elapsed());
    }
}

/// Measures raw signatures for a second each.
pub fn signatures() -> Result<Signatures, Failure> {
    let (random, text) = (SystemRandom::new(), [7_u8; 600]);
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; rsa.public_modulus_len()];
    let rs256 = repeat_for_a_second(|| Ok(rsa.sign(&RSA_PKCS1_SHA256, &random, &text, &mut signature)?))?;
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
    let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref())?;
    let es256 = repeat_for_a_second(|| ec.sign(&random, &text).map(|_| ()).map_err(Into::into))?;
    Ok(Signatures { rs256, es256 })
}

fn repeat_for_a_second(mut sign: impl FnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let (since, mut count) = (Instant::now(), 0_u32);
    while since.elapsed() < Duration::from_secs(1) {
        sign()?;
        count += 1;
    }
    Ok(since.elapsed() / count.max(1))
}
