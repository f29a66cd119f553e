//! Raw signatures and hashes: the least an answer with signed tokens, or to a password, can cost.

use std::{
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};

use signet_protocol::password::{PasswordHash, Scratch};

use crate::{Failure, flows::Alg, machine::cores};

/// About as long as the text of a token.
const TEXT: [u8; 600] = [7; 600];
/// For how long one look at the cost signs.
const LENGTH: Duration = Duration::from_millis(150);

/// The same for hashes, of which one takes far longer.
const HASHING: Duration = Duration::from_millis(600);

/// Keys to sign with, and a hash to verify.
pub struct Raw {
    hash: PasswordHash,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    random: SystemRandom,
}

impl Raw {
    /// New keys.
    pub fn new() -> Result<Raw, Failure> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref())?;
        Ok(Raw { hash: PasswordHash::decoy(), rsa: RsaKeyPair::generate(KeySize::Rsa2048)?, ec, random })
    }

    /// What one signature costs now, while every core signs, as they do under load: the median of short stretches, which a
    /// thread that was put aside for a moment does not spoil.
    pub fn cost(&self, alg: Alg) -> Result<Duration, Failure> {
        on_each_core(cores(), || self.on_one_core(alg))
    }

    /// What one password hash costs now, while as many threads hash as the server has for it.
    pub fn hash_cost(&self) -> Result<Duration, Failure> {
        on_each_core(hashing_threads(), || {
            let (mut scratch, mut costs) = (Scratch::default(), Vec::new());
            let start = Instant::now();
            while start.elapsed() < HASHING {
                let since = Instant::now();
                self.hash.verify("a password", &mut scratch);
                costs.push(since.elapsed());
            }
            median(costs).ok_or_else(|| "nothing was hashed".into())
        })
    }

    fn on_one_core(&self, alg: Alg) -> Result<Duration, Failure> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        let (stretch, mut costs) = (if alg == Alg::Rs256 { 1 } else { 16 }, Vec::new());
        let start = Instant::now();
        while start.elapsed() < LENGTH {
            let since = Instant::now();
            for _ in 0..stretch {
                match alg {
                    Alg::Rs256 => self.rsa.sign(&RSA_PKCS1_SHA256, &self.random, &TEXT, &mut signature)?,
                    Alg::Es256 => self.ec.sign(&self.random, &TEXT).map(drop)?,
                }
            }
            costs.push(since.elapsed() / stretch);
        }
        median(costs).ok_or_else(|| "nothing was signed".into())
    }
}

/// How many threads the server hashes passwords on.
pub fn hashing_threads() -> usize {
    cores().saturating_sub(1).max(1)
}

/// The mean of what `work` finds on so many threads at once.
fn on_each_core(
    count: usize,
    work: impl Fn() -> Result<Duration, Failure> + Sync,
) -> Result<Duration, Failure> {
    let each = thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread failed".into())))
            .collect()
    });
    let each: Vec<Duration> = Result::<Vec<Duration>, Failure>::from_iter::<Vec<_>>(each)?;
    Ok(each.iter().sum::<Duration>() / u32::try_from(each.len().max(1))?)
}

/// The middle one.
pub fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied()
}
