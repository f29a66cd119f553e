//! The figures, as a table and as JSON.

use std::{fmt, time::Duration};

use serde_json::{Value, json};

use crate::measure::{Line, Signatures};

/// All figures of a run.
pub struct Report {
    /// One for each flow.
    pub lines: Vec<Line>,
    /// The raw signatures of the same run.
    pub signatures: Signatures,
    /// The server's memory before the load, in KiB.
    pub idle_kib: u64,
    /// How long its start took to the first answer.
    pub start: Duration,
}

impl Line {
    /// The server's CPU for a round divided by the raw signatures in it.
    fn ratio(&self, signatures: &Signatures) -> Option<f64> {
        let (alg, count) = self.flow.signs()?;
        Some(self.cpu.as_secs_f64() / (signatures.cost(alg) * count).as_secs_f64())
    }
}

impl Report {
    /// The figures as JSON; times in microseconds.
    pub fn json(&self) -> Value {
        let lines = self.lines.iter().map(|line| {
            json!({
                "flow": line.flow.name(),
                "per_second": line.per_second.round(),
                "p50_us": line.p50.as_micros(),
                "p99_us": line.p99.as_micros(),
                "cpu_us": line.cpu.as_micros(),
                "cpu_per_signature": line.ratio(&self.signatures),
            })
        });
        json!({
            "flows": lines.collect::<Vec<_>>(),
            "signature_us": {
                "RS256": self.signatures.rs256.as_secs_f64() * 1e6,
                "ES256": self.signatures.es256.as_secs_f64() * 1e6,
            },
            "idle_kib": self.idle_kib,
            "start_us": self.start.as_micros(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22} {:>9} {:>10} {:>10} {:>9} {:>12}",
            "flow", "rounds/s", "p50 ms", "p99 ms", "CPU µs", "CPU/raw sig"
        )?;
        for line in &self.lines {
            let ratio =
                line.ratio(&self.signatures).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
            let (p50, p99) = (line.p50.as_secs_f64() * 1e3, line.p99.as_secs_f64() * 1e3);
            let (name, cpu) = (line.flow.name(), line.cpu.as_micros());
            writeln!(f, "{name:<22} {:>9.0} {p50:>10.2} {p99:>10.2} {cpu:>9} {ratio:>12}", line.per_second)?;
        }
        let (rs256, es256) =
            (self.signatures.rs256.as_secs_f64() * 1e6, self.signatures.es256.as_secs_f64() * 1e6);
        writeln!(f, "one raw signature: RS256 {rs256:.0} µs, ES256 {es256:.1} µs")?;
        let (memory, start) = (self.idle_kib / 1024, self.start.as_millis());
        writeln!(f, "idle memory {memory} MiB, start on existing data to the first answer {start} ms")
    }
}
