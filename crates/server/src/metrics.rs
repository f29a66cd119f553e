//! `GET /metrics` on a listener of its own: everything that is counted, in the text format of Prometheus.
//!
//! `docs/metrics.md` is the table of all of it; a test compares the two.

use std::{fmt::Write, fs, sync::Arc};

use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use signet_store::stats::{Counter, Histogram};
use signet_web::{Signet, metrics::Metrics, trace::Traces};

use crate::slots::Slots;

/// The text format (Prometheus exposition format 0.0.4).
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that counts.
pub struct Sources {
    signet: Arc<Signet>,
    slots: Arc<Slots>,
    /// When the process began, in seconds of the epoch.
    started: i64,
}

impl Sources {
    /// The sources of a server that begins now.
    pub fn new(signet: Arc<Signet>, slots: Arc<Slots>) -> Arc<Sources> {
        let started = signet.now().timestamp().0;
        Arc::new(Sources { signet, slots, started })
    }
}

/// The routes of the listener.
pub fn router(sources: Arc<Sources>) -> Router {
    let metrics = |State(sources): State<Arc<Sources>>| async move {
        ([(CONTENT_TYPE, TEXT)], text(&families(&sources))).into_response()
    };
    Router::new().route("/metrics", get(metrics)).with_state(sources)
}

/// A metric with its samples.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    samples: String,
}

fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for Family { name, kind, help, samples, .. } in families {
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
    }
    text
}

impl Family {
    fn new(name: &'static str, kind: &'static str, help: &'static str) -> Family {
        Family { name, kind, help, labels: &[], samples: String::new() }
    }

    /// A number that only goes up.
    fn counter(name: &'static str, help: &'static str) -> Family {
        Family::new(name, "counter", help)
    }

    /// A number that goes up and down.
    fn gauge(name: &'static str, help: &'static str) -> Family {
        Family::new(name, "gauge", help)
    }

    /// A distribution.
    fn histogram(name: &'static str, help: &'static str) -> Family {
        Family::new(name, "histogram", help)
    }

    fn by(self, labels: &'static [&'static str]) -> Family {
        Family { labels, ..self }
    }

    /// Its only value.
    fn is(self, value: impl std::fmt::Display) -> Family {
        self.are([([], value)])
    }

    /// Its values by the values of its labels, which are our own constants: nothing in them needs escaping.
    fn are<const N: usize, V: std::fmt::Display>(
        mut self,
        samples: impl IntoIterator<Item = ([&'static str; N], V)>,
    ) -> Family {
        for (labels, value) in samples {
            let labels = self.labelled(&labels, None);
            let _ = writeln!(self.samples, "{}{labels} {value}", self.name);
        }
        self
    }

    /// Its distributions by the values of its labels.
    fn spread<'a, const N: usize>(
        mut self,
        samples: impl IntoIterator<Item = ([&'static str; N], &'a Histogram)>,
    ) -> Family {
        for (labels, histogram) in samples {
            let (name, mut count) = (self.name, 0);
            for (bound, below) in histogram.cumulative() {
                let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                let labels = self.labelled(&labels, Some(&bound));
                let _ = writeln!(self.samples, "{name}_bucket{labels} {below}");
                count = below;
            }
            let labels = self.labelled(&labels, None);
            let sum = histogram.sum();
            let _ = writeln!(self.samples, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}");
        }
        self
    }

    fn labelled(&self, values: &[&str], bound: Option<&str>) -> String {
        let labels = self.labels.iter().copied().zip(values.iter().copied());
        let pairs = labels.chain(bound.map(|bound| ("le", bound)));
        let pairs: Vec<String> = pairs.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
    }
}

fn families(sources: &Sources) -> Vec<Family> {
    let Sources { signet, slots, started } = sources;
    let mut all = requests(signet.metrics(), signet.traces());
    all.extend(connections(slots));
    all.extend(hashing(signet));
    all.extend(store(signet));
    all.extend(process(*started));
    all
}

fn requests(metrics: &Metrics, traces: &Traces) -> Vec<Family> {
    vec![
        Family::counter("signet_http_requests_total", "Requests that were answered.")
            .by(&["route", "method", "status"])
            .are(metrics.requests()),
        Family::histogram(
            "signet_http_request_duration_seconds",
            "From the head of a request to its answer.",
        )
        .by(&["route"])
        .spread(metrics.durations().map(|(route, histogram)| ([route], histogram))),
        Family::counter("signet_errors_total", "Errors that were told, by the code a client is told.")
            .by(&["route", "error"])
            .are(metrics.errors()),
        Family::counter("signet_tokens_issued_total", "Answers of the token endpoint that carry tokens.")
            .by(&["grant_type"])
            .are(metrics.tokens().map(|(grant, count)| ([grant], count))),
        Family::counter("signet_logins_total", "Attempts to sign in with a password, by how they ended.")
            .by(&["outcome"])
            .are(metrics.logins().map(|(outcome, count)| ([outcome], count))),
        Family::counter(
            "signet_logout_notices_total",
            "Tries to tell an application of a logout by the back channel, by what became of them.",
        )
        .by(&["outcome"])
        .are(metrics.notices().map(|(outcome, count)| ([outcome], count))),
        Family::counter(
            "signet_traces_total",
            "Refused requests, by what became of the trace that tells why.",
        )
        .by(&["outcome"])
        .are(traces.counts().map(|(outcome, count)| ([outcome], count))),
        Family::gauge(
            "signet_logout_receivers_waiting",
            "Applications that are still to be told of logouts, as this node last saw it.",
        )
        .is(metrics.waiting_receivers()),
    ]
}

fn connections(slots: &Slots) -> Vec<Family> {
    vec![
        Family::gauge("signet_connections_open", "Connections that are open.").is(slots.open()),
        Family::gauge("signet_connections_max", "Connections that may be open at once.").is(slots.all()),
        Family::counter("signet_connections_refused_total", "Connections of networks that had their share.")
            .is(slots.refused()),
    ]
}

fn hashing(signet: &Signet) -> Vec<Family> {
    let (hasher, stats) = (signet.hasher(), signet.hasher().stats());
    vec![
        Family::gauge("signet_hash_queue_length", "Passwords that wait for a hashing thread.")
            .is(hasher.waiting()),
        Family::histogram("signet_hash_wait_seconds", "How long passwords waited for a hashing thread.")
            .spread([([], &stats.waited)]),
        Family::counter("signet_hash_refused_total", "Passwords not looked at for want of capacity.")
            .is(stats.refused.get()),
    ]
}

fn store(signet: &Signet) -> Vec<Family> {
    let (store, stats, levels) = (signet.store(), signet.store().stats(), signet.store().levels());
    let errors = [("busy", &stats.busy), ("unavailable", &stats.unavailable), ("other", &stats.failed)];
    let errors = errors.map(|(kind, counter)| ([kind], counter.get()));
    let states =
        [("in_use", levels.connections_in_use), ("idle", levels.connections - levels.connections_in_use)];
    let caches: Vec<_> = store
        .caches()
        .into_iter()
        .chain([("access_tokens", signet.verified_stats()), ("client_keys", signet.fetched_keys_stats())])
        .collect();
    let of_caches = |pick: fn(&signet_store::stats::CacheStats) -> &Counter| {
        caches.iter().map(move |(name, stats)| ([*name], pick(stats).get())).collect::<Vec<_>>()
    };
    vec![
        Family::histogram(
            "signet_store_write_seconds",
            "From asking for a write to its answer, waiting included.",
        )
        .spread([([], &stats.writes)]),
        Family::gauge(
            "signet_store_queue_length",
            "Batches and look-ups that wait to be sent to the database.",
        )
        .is(levels.queued),
        Family::histogram(
            "signet_store_commit_batches",
            "Batches committed together by the embedded database.",
        )
        .spread([([], &stats.group)]),
        Family::histogram("signet_store_commit_seconds", "How long such a commit took.")
            .spread([([], &stats.commit)]),
        Family::counter("signet_store_refused_total", "Writes undone because a guard found its row changed.")
            .is(stats.refused.get()),
        Family::counter("signet_store_errors_total", "Reads and writes that failed.")
            .by(&["kind"])
            .are(errors),
        Family::gauge("signet_postgres_connections", "Connections of this node to PostgreSQL.")
            .by(&["state"])
            .are(states.map(|(state, count)| ([state], count))),
        Family::gauge(
            "signet_postgres_waiting",
            "Reads and writes that wait for a connection to PostgreSQL.",
        )
        .is(levels.waiting),
        Family::counter("signet_cache_hits_total", "Rows found in memory.")
            .by(&["cache"])
            .are(of_caches(|stats| &stats.hits)),
        Family::counter("signet_cache_misses_total", "Rows looked for in the database.")
            .by(&["cache"])
            .are(of_caches(|stats| &stats.misses)),
        Family::gauge("signet_revocations", "Revocations kept in memory.").is(store.revocations()),
        Family::counter("signet_swept_rows_total", "Expired rows that were deleted.").is(stats.swept.get()),
    ]
}

fn process(started: i64) -> Vec<Family> {
    let process = Process::read();
    vec![
        Family::gauge("signet_build_info", "1, with the version.")
            .by(&["version"])
            .are([([env!("CARGO_PKG_VERSION")], 1)]),
        Family::gauge("process_start_time_seconds", "When the server began, in seconds of the epoch.")
            .is(started),
        Family::counter("process_cpu_seconds_total", "Processor time, of user and system.").is(process.cpu),
        Family::gauge("process_resident_memory_bytes", "Resident memory.").is(process.resident),
        Family::gauge("process_open_fds", "Open file descriptors.").is(process.files),
    ]
}

/// What the kernel tells of this process; zeros where it tells nothing.
struct Process {
    cpu: f64,
    resident: u64,
    files: usize,
}

impl Process {
    fn read() -> Process {
        let file = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        Process {
            cpu: cpu_seconds(&file("stat")),
            resident: resident_bytes(&file("status")),
            // One of them is the directory that is being read.
            files: fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1)),
        }
    }
}

/// User and system time, in the words of `/proc/self/stat`: hundredths of a second, the 12th and 13th value behind the name.
fn cpu_seconds(stat: &str) -> f64 {
    let values = stat.rsplit_once(')').map_or("", |(_, values)| values);
    let ticks: u32 =
        values.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}

/// `VmRSS`, in the words of `/proc/self/status`.
fn resident_bytes(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;
    use crate::{cli::Cli, config::Config, data::DataDir};

    const PAGE: &str = include_str!("../../../docs/metrics.md");

    async fn sources(data: &std::path::Path) -> Arc<Sources> {
        let config =
            Config::load(&Cli::parse_from(["signet", "serve", "--data", data.to_str().unwrap()])).unwrap();
        let data = DataDir::create(data).unwrap();
        let lock = data.try_lock(&config.database).unwrap().unwrap();
        let pools = data.open(&config, 8080, &lock).await.unwrap();
        Sources::new(Arc::clone(pools.first()), Slots::of_this_process())
    }

    /// Name, type and labels of each row of the page.
    fn documented() -> BTreeSet<[String; 3]> {
        let cell = |text: &str| text.trim().replace('`', "");
        let table = PAGE.split("## What to alert on").next().unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let mut cells = row.split('|').skip(1).map(cell);
            [(); 3].map(|()| cells.next().unwrap())
        })
        .collect()
    }

    #[tokio::test]
    async fn the_documented_metrics_are_those_that_are_exposed() {
        let home = tempfile::tempdir().unwrap();
        let families = families(&*sources(&home.path().join("data")).await);
        let exposed: BTreeSet<_> = families
            .iter()
            .map(|family| [family.name.to_owned(), family.kind.to_owned(), family.labels.join(", ")])
            .collect();
        assert_eq!(families.len(), exposed.len(), "none twice");
        assert_eq!(exposed, documented());
    }

    #[test]
    fn what_to_alert_on_is_there() {
        let names: BTreeSet<_> = documented().into_iter().map(|[name, ..]| name).collect();
        let advice = PAGE.split("## What to alert on").nth(1).unwrap();
        let words = advice.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<_> =
            words.filter(|word| word.starts_with("signet_") || word.starts_with("process_")).collect();
        assert!(named.len() > 8, "{named:?}");
        for name in named {
            assert!(names.contains(name.trim_end_matches("_bucket")), "{name}");
        }
    }

    #[tokio::test]
    async fn names_keep_to_the_conventions_of_prometheus() {
        let home = tempfile::tempdir().unwrap();
        for Family { name, kind, help, .. } in families(&*sources(&home.path().join("data")).await) {
            assert!(name.starts_with("signet_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
            assert!(help.ends_with('.') && !help.contains(['\\', '\n']), "{help}");
        }
    }

    #[test]
    fn a_family_is_written_as_the_text_format_has_it() {
        let histogram = Histogram::of_sizes();
        [1, 2, 300].iter().for_each(|size| histogram.had(*size));
        let families = [
            Family::counter("a_total", "A.").by(&["x", "y"]).are([(["1", "2"], 3), (["4", "5"], 6)]),
            Family::gauge("b", "B.").is(1.5),
            Family::histogram("c", "C.").by(&["x"]).spread([(["1"], &histogram)]),
        ];
        let expected = "\
# HELP a_total A.
# TYPE a_total counter
a_total{x=\"1\",y=\"2\"} 3
a_total{x=\"4\",y=\"5\"} 6
# HELP b B.
# TYPE b gauge
b 1.5
# HELP c C.
# TYPE c histogram
c_bucket{x=\"1\",le=\"1\"} 1
c_bucket{x=\"1\",le=\"2\"} 2
c_bucket{x=\"1\",le=\"4\"} 2
c_bucket{x=\"1\",le=\"8\"} 2
c_bucket{x=\"1\",le=\"16\"} 2
c_bucket{x=\"1\",le=\"32\"} 2
c_bucket{x=\"1\",le=\"64\"} 2
c_bucket{x=\"1\",le=\"128\"} 2
c_bucket{x=\"1\",le=\"+Inf\"} 3
c_sum{x=\"1\"} 303
c_count{x=\"1\"} 3
";
        assert_eq!(text(&families), expected);
    }

    #[test]
    fn what_the_kernel_tells_is_understood() {
        assert!((cpu_seconds("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20") - 2.0).abs() < f64::EPSILON);
        assert_eq!(resident_bytes("VmPeak:\t9 kB\nVmRSS:\t    1234 kB\n"), 1234 * 1024);
        let process = Process::read();
        assert!(process.resident > 1_000_000 && process.files > 2, "{} {}", process.resident, process.files);
    }
}
