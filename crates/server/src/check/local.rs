//! What is on this machine: files and who may read them, room on the disk, the certificate.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use signet_protocol::issuer::BaseUrl;
use signet_store::Database;
use signet_web::clock::{Clock as _, SystemClock};

use super::{
    DAY,
    finding::{Finding, Findings},
};
use crate::{config::Config, data::KEY_FILE, failure::plain};

/// Free bytes below which there is a warning, and a problem.
const LITTLE: u64 = 1 << 30;
const TOO_LITTLE: u64 = 100 << 20;
/// Days before its end at which a certificate should have been renewed.
const RENEWED_DAYS: i64 = 14;

/// The data directory, who may read what, and the room that is left.
pub fn directory(config: &Config, findings: &mut Findings) {
    let data = &config.data;
    match fs::metadata(data) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => {
            let what = format!("{} is not a directory", data.display());
            return findings.add(Finding::problem("data directory", what, "Choose another with --data DIR."));
        }
        Err(error) => {
            let what = format!("{}: {}", data.display(), plain(&error.to_string()));
            let remedy = "Start signet serve there, or say where the installation is with --data DIR.";
            return findings.add(Finding::problem("data directory", what, remedy));
        }
    }
    let open: Vec<PathBuf> = private_files(config).into_iter().filter(|path| others_may(path)).collect();
    findings.add(match open.as_slice() {
        [] => Finding::ok("data directory", format!("{}, for its owner alone", data.display())),
        open => {
            let names: Vec<String> = open.iter().map(|path| path.display().to_string()).collect();
            let what = format!("others may use {}", names.join(", "));
            Finding::problem(
                "data directory",
                what,
                format!("Close it to them: chmod go= {}", names.join(" ")),
            )
        }
    });
    let mut places = vec![data.as_path()];
    if let Database::Sqlite(path) = &config.database
        && let Some(parent) = path.parent().filter(|parent| parent.exists())
        && !parent.starts_with(data)
    {
        places.push(parent);
    }
    places.into_iter().for_each(|place| findings.add(room(place)));
}

/// Whether there is a database file; of a server nobody knows before asking it.
pub fn database_exists(config: &Config) -> bool {
    match &config.database {
        Database::Sqlite(path) => path.exists(),
        Database::Postgres(_) => true,
    }
}

fn private_files(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.data.clone()];
    files.extend([KEY_FILE, "signet.sock"].map(|name| config.data.join(name)));
    if let Database::Sqlite(path) = &config.database {
        files.extend(["", "-wal"].map(|ending| {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        }));
    }
    files
}

fn others_may(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0)
}

fn room(place: &Path) -> Finding {
    let free = match rustix::fs::statvfs(place) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            let what = format!("{}: {}", place.display(), plain(&std::io::Error::from(error).to_string()));
            return Finding::warning("room on the disk", what, "Look at it with df.");
        }
    };
    let what = format!("{} MB free at {}", free >> 20, place.display());
    let remedy = "Make room: a database that cannot write refuses every login.";
    match free {
        ..TOO_LITTLE => Finding::problem("room on the disk", what, remedy),
        TOO_LITTLE..LITTLE => Finding::warning("room on the disk", what, remedy),
        _ => Finding::ok("room on the disk", what),
    }
}

/// The certificate that the server shows, if it speaks TLS itself.
pub fn certificate(config: &Config, base: &BaseUrl, findings: &mut Findings) {
    let Some(files) = &config.tls else { return };
    let below = format!("signet-check.{}", base.host());
    // No certificate has a wildcard below a top-level name.
    let hosts = if base.host().contains('.') { vec![base.host(), &below] } else { vec![base.host()] };
    let facts = match files.facts(&hosts) {
        Ok(facts) => facts,
        Err(failure) => return findings.add(Finding::failed("certificate", &failure)),
    };
    let file = files.certificate.display();
    let now = SystemClock.now().timestamp().0;
    let renew = "Renew it; a running server takes it up by itself.";
    findings.add(match facts.not_after.map(|end| (end - now).div_euclid(DAY)) {
        _ if facts.not_yet => {
            let what = format!("{file} is not valid yet");
            Finding::problem(
                "certificate",
                what,
                "Look at this machine's clock, or use the certificate before it.",
            )
        }
        Some(days) if days < 0 => Finding::problem("certificate", format!("{file} has expired"), renew),
        Some(days) if days < RENEWED_DAYS => {
            Finding::warning("certificate", format!("{file} ends in {days} days"), renew)
        }
        Some(days) => Finding::ok("certificate", format!("{file} is valid for {days} days")),
        None => Finding::warning(
            "certificate",
            format!("when {file} ends is not known"),
            "Look at it with openssl x509.",
        ),
    });
    let missing: Vec<&str> = facts.missing.iter().map(String::as_str).collect();
    findings.add(match missing.as_slice() {
        [] => Finding::ok("names of the certificate", format!("it is for {}", hosts.join(" and "))),
        [only] if *only == below => Finding::warning(
            "names of the certificate",
            format!("it is for {}, and not for the addresses of applications below it", base.host()),
            format!(
                "Have it made for *.{} too, unless applications use the pool's issuer only.",
                base.host()
            ),
        ),
        _ => Finding::problem(
            "names of the certificate",
            format!("it is not for {}", base.host()),
            format!("Have it made for {0} and *.{0}.", base.host()),
        ),
    });
}
