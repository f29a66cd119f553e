//! Hashes that other systems made: verified here, and replaced by our own at the next login.
//!
//! What one may cost is bounded where it is read, so that no imported hash keeps a hashing thread for long (attack 21).

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::{STANDARD, STANDARD_NO_PAD},
    },
};
use blowfish::Blowfish;
use subtle::ConstantTimeEq;

/// The most that bcrypt may cost, as the logarithm of its rounds.
const BCRYPT_COST_MAX: u32 = 14;
/// The most work of scrypt: N · r · p. An eighth of it in KiB is its memory at most, 128 MiB.
const SCRYPT_WORK_MAX: u64 = 1_048_576;
/// The most rounds of PBKDF2, for all blocks of its output together.
const PBKDF2_ROUNDS_MAX: u32 = 2_000_000;
/// Bytes of a password that bcrypt looks at.
const BCRYPT_BYTES: usize = 72;

/// bcrypt's own alphabet. What is left over of its last character means nothing.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A hash that is none of ours.
#[derive(Clone)]
pub(super) struct Foreign {
    method: Method,
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone)]
enum Method {
    Bcrypt { cost: u32 },
    Scrypt(scrypt::Params),
    Pbkdf2 { algorithm: pbkdf2::Algorithm, rounds: NonZeroU32 },
}

impl Foreign {
    /// From a text in one of the forms that are known.
    pub(super) fn read(text: &str) -> Option<Foreign> {
        let foreign = match text.split_once('$')? {
            ("", rest) => match rest.split_once('$')? {
                ("2a" | "2b" | "2y", rest) => bcrypt(rest),
                ("scrypt", rest) => scrypt_phc(rest),
                ("pbkdf2-sha256", rest) => pbkdf2_phc(pbkdf2::PBKDF2_HMAC_SHA256, rest),
                ("pbkdf2-sha512", rest) => pbkdf2_phc(pbkdf2::PBKDF2_HMAC_SHA512, rest),
                _ => None,
            },
            ("pbkdf2_sha256", rest) => django(pbkdf2::PBKDF2_HMAC_SHA256, rest),
            ("pbkdf2_sha512", rest) => django(pbkdf2::PBKDF2_HMAC_SHA512, rest),
            (head, rest) => werkzeug(head, rest),
        }?;
        let fits = (1..=64).contains(&foreign.salt.len()) && (16..=64).contains(&foreign.output.len());
        fits.then_some(foreign)
    }

    /// Whether `password` is the one that was hashed.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut output = vec![0; self.output.len()];
        match &self.method {
            Method::Bcrypt { cost } => output = bcrypt_output(*cost, &self.salt, password),
            Method::Scrypt(params) => {
                if scrypt::scrypt(password, &self.salt, params, &mut output).is_err() {
                    return false;
                }
            }
            Method::Pbkdf2 { algorithm, rounds } => {
                pbkdf2::derive(*algorithm, *rounds, &self.salt, password, &mut output);
            }
        }
        output.ct_eq(&self.output).into()
    }
}

/// `12$` and 53 characters: 16 bytes of salt, 23 of output.
fn bcrypt(text: &str) -> Option<Foreign> {
    let (cost, rest) = text.split_once('$')?;
    let cost: u32 = cost.parse().ok().filter(|_| cost.len() == 2)?;
    if !(4..=BCRYPT_COST_MAX).contains(&cost) || rest.len() != 53 {
        return None;
    }
    let (salt, output) = rest.split_at_checked(22)?;
    let (salt, output) = (BCRYPT.decode(salt).ok()?, BCRYPT.decode(output).ok()?);
    Some(Foreign { method: Method::Bcrypt { cost }, salt, output })
}

/// Provos and Mazières, "A Future-Adaptable Password Scheme" (1999), of a password that ends with a null byte.
fn bcrypt_output(cost: u32, salt: &[u8], password: &[u8]) -> Vec<u8> {
    let key: Vec<u8> = password.iter().copied().chain([0]).take(BCRYPT_BYTES).collect();
    let mut state = Blowfish::bc_init_state();
    state.salted_expand_key(salt, &key);
    for _ in 0..1_u64 << cost {
        state.bc_expand_key(&key);
        state.bc_expand_key(salt);
    }
    let mut output = Vec::with_capacity(24);
    for half in b"OrpheanBeholderScryDoubt".chunks(8) {
        let whole = half.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let words = [(whole >> 32) as u32, whole as u32];
        let sealed = (0..64).fold(words, |words, _| state.bc_encrypt(words));
        output.extend(sealed.iter().flat_map(|word| word.to_be_bytes()));
    }
    output.truncate(23);
    output
}

fn scrypt(log_n: u8, r: u32, p: u32) -> Option<Method> {
    let work = 1_u64.checked_shl(log_n.into())?.checked_mul(r.into())?.checked_mul(p.into())?;
    if !(1..=SCRYPT_WORK_MAX).contains(&work) || log_n == 0 {
        return None;
    }
    scrypt::Params::new(log_n, r, p).ok().map(Method::Scrypt)
}

/// `ln=16,r=8,p=1$salt$output`.
fn scrypt_phc(text: &str) -> Option<Foreign> {
    let [costs, salt, output] = parts(text)?;
    let mut costs = costs.split(',');
    let mut cost = |name: &str| number(costs.next()?.strip_prefix(name)?.strip_prefix('=')?);
    let (log_n, r, p) = (cost("ln")?, cost("r")?, cost("p")?);
    if costs.next().is_some() {
        return None;
    }
    let method = scrypt(u8::try_from(log_n).ok()?, r, p)?;
    Some(Foreign { method, salt: unpadded(salt)?, output: unpadded(output)? })
}

fn pbkdf2(algorithm: pbkdf2::Algorithm, rounds: u32, salt: Vec<u8>, output: Vec<u8>) -> Option<Foreign> {
    let block = if algorithm == pbkdf2::PBKDF2_HMAC_SHA512 { 64 } else { 32 };
    let blocks = u32::try_from(output.len().div_ceil(block)).ok()?;
    if rounds.checked_mul(blocks)? > PBKDF2_ROUNDS_MAX {
        return None;
    }
    let method = Method::Pbkdf2 { algorithm, rounds: NonZeroU32::new(rounds)? };
    Some(Foreign { method, salt, output })
}

/// `i=600000,l=32$salt$output`, or `600000$salt$output` with `.` for `+`, as passlib has it.
fn pbkdf2_phc(algorithm: pbkdf2::Algorithm, text: &str) -> Option<Foreign> {
    let [costs, salt, output] = parts(text)?;
    let Some(costs) = costs.strip_prefix("i=") else {
        let adapted = |text: &str| unpadded(&text.replace('.', "+"));
        return pbkdf2(algorithm, number(costs)?, adapted(salt)?, adapted(output)?);
    };
    let output = unpadded(output)?;
    let (rounds, length) = costs.split_once(",l=").unwrap_or((costs, ""));
    let whole =
        length.is_empty() || number(length).is_some_and(|length| usize::try_from(length) == Ok(output.len()));
    if !whole {
        return None;
    }
    pbkdf2(algorithm, number(rounds)?, unpadded(salt)?, output)
}

/// `600000$salt$output`: the salt is a text, the output padded.
fn django(algorithm: pbkdf2::Algorithm, text: &str) -> Option<Foreign> {
    let [rounds, salt, output] = parts(text)?;
    pbkdf2(algorithm, number(rounds)?, salt.as_bytes().to_vec(), STANDARD.decode(output).ok()?)
}

/// `scrypt:32768:8:1` or `pbkdf2:sha256:600000`, and `salt$output`: the salt is a text, the output hexadecimal.
fn werkzeug(head: &str, rest: &str) -> Option<Foreign> {
    let (salt, output) = rest.split_once('$')?;
    let (salt, output) = (salt.as_bytes().to_vec(), unhex(output)?);
    let mut parts = head.split(':');
    match [parts.next()?, parts.next()?, parts.next()?] {
        ["scrypt", n, r] => {
            let (n, p) = (number(n).filter(|n| n.is_power_of_two())?, number(parts.next()?)?);
            let method = scrypt(u8::try_from(n.ilog2()).ok()?, number(r)?, p)?;
            parts.next().is_none().then_some(Foreign { method, salt, output })
        }
        ["pbkdf2", hash, rounds] if parts.next().is_none() => {
            let algorithm = match hash {
                "sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
                "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
                _ => return None,
            };
            pbkdf2(algorithm, number(rounds)?, salt, output)
        }
        _ => None,
    }
}

fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split('$');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?)).collect()
}

#[cfg(test)]
#[path = "foreign_tests.rs"]
mod tests;
