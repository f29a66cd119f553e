//! The machine the figures are of.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    num::NonZero,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, signatures::median};

/// What may matter of it.
pub struct Machine {
    /// Its cores.
    pub cores: usize,
    /// What its processor calls itself.
    pub processor: String,
    /// Its memory in MiB.
    pub memory_mib: u64,
    /// What a durable write of 4 KiB costs where the databases are: the median.
    pub sync: Duration,
}

/// The cores this process may use.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The processor time that everybody together has used so far, the machine below this one included.
pub fn busy() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or("no processor times")?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests use is in the first two.
    let kinds = line.split_whitespace().take(8).enumerate().filter(|(kind, _)| !matches!(kind, 3 | 4));
    let used = kinds.map(|(_, ticks)| ticks.parse::<u64>());
    Ok(Duration::from_millis(10 * used.sum::<Result<u64, _>>()?))
}

impl Machine {
    /// Looks at it; `directory` is where the databases will be.
    pub fn look(directory: &Path) -> Result<Machine, Failure> {
        let first = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or(": unknown");
            line.trim_start_matches(['\t', ' ', ':']).trim().to_owned()
        };
        let memory = first("/proc/meminfo", "MemTotal");
        Ok(Machine {
            cores: cores(),
            processor: first("/proc/cpuinfo", "model name"),
            memory_mib: memory.trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024,
            sync: sync(directory)?,
        })
    }
}

fn sync(directory: &Path) -> Result<Duration, Failure> {
    let mut file = tempfile::tempfile_in(directory)?;
    let mut costs = Vec::new();
    for _ in 0..200 {
        let since = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        costs.push(since.elapsed());
    }
    median(costs).ok_or_else(|| "nothing was written".into())
}
