//! Every property over its corpus and over seeded mutations of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{fs, panic, path::Path};

use signet_fuzz::{TARGETS, Target};
use signet_testkit::seed::Seeded;

macro_rules! holds {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { run(stringify!($name)); })+

        #[test]
        fn every_target_has_a_test_and_every_corpus_a_target() {
            let mut tested = vec![$(stringify!($name)),+];
            tested.sort_unstable();
            let mut named: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            named.sort_unstable();
            assert_eq!(tested, named);
            let corpora = fs::read_dir(corpus("")).unwrap().map(|entry| entry.unwrap().file_name());
            let mut corpora: Vec<String> = corpora.map(|name| name.into_string().unwrap()).collect();
            corpora.sort();
            assert_eq!(corpora, named);
        }
    };
}

holds!(
    authorize,
    claims,
    client_assertion,
    client_auth,
    cookies,
    database,
    description,
    forwarded,
    host,
    jwk,
    jwt,
    language,
    opaque,
    outbound,
    params,
    password_hash,
    people,
    pkce,
    redirect_match,
    redirect_uri,
    request,
    request_object,
    scope,
    scope_item,
    upload,
);

fn corpus(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut files: Vec<_> = fs::read_dir(corpus(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty());
    for seed in &seeds {
        check(target, seed);
    }
    let mut chance = Seeded(0x51_67_6e_65_74);
    for _ in 0..target.mutations {
        check(target, &mutant(&seeds, &mut chance));
    }
}

fn check(target: &Target, data: &[u8]) {
    if let Err(payload) = panic::catch_unwind(|| (target.property)(data)) {
        eprintln!("{} does not hold for \"{}\"", target.name, data.escape_ascii());
        panic::resume_unwind(payload);
    }
}

/// Bytes that mean something to one of the parsers.
const TELLING: &[u8] = b"\0\n\r\t %&+;=,.:/?#@[]\"'\\{}$_-~AZaz09";

/// One of the seeds with one to four changes.
fn mutant(seeds: &[Vec<u8>], chance: &mut Seeded) -> Vec<u8> {
    let mut below = |limit: usize| usize::try_from(chance.next_u64() % limit.max(1) as u64).unwrap();
    let mut data = seeds[below(seeds.len())].clone();
    for _ in 0..=below(4) {
        let (from, to) = (below(data.len() + 1), below(data.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        match below(7) {
            0 if from < data.len() => data[from] ^= 1 << below(8),
            1 if from < data.len() => data[from] = below(256) as u8,
            2 => data.insert(from, TELLING[below(TELLING.len())]),
            3 => drop(data.drain(from..to)),
            4 => {
                let piece = data[from..to].to_vec();
                data.splice(from..from, piece.iter().copied().cycle().take(piece.len() * (1 + below(8))));
            }
            5 => {
                let other = &seeds[below(seeds.len())];
                let (start, end) = (below(other.len() + 1), below(other.len() + 1));
                data.splice(from..to, other[start.min(end)..start.max(end)].iter().copied());
            }
            _ => data.truncate(to),
        }
        data.truncate(64 * 1024);
    }
    data
}
