//! What this process has used so far: CPU time, bytes written, the most memory it had. Linux tells all of it; other
//! systems tell CPU time only, and the rest is 0 there.

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What one process used, from its beginning.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// In user and system mode, over all threads.
    pub(crate) cpu_micros: u64,
    /// Handed to the system by writes.
    pub(crate) written_bytes: u64,
    /// Sent to the disk on this process's account, in whole pages.
    pub(crate) disk_bytes: u64,
    /// The most memory it had resident.
    pub(crate) peak_rss_bytes: u64,
}

impl Usage {
    /// Of this process, now.
    pub(crate) fn now() -> Result<Self> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu_micros =
            u64::try_from(cpu.tv_sec)? * 1_000_000 + u64::try_from(cpu.tv_nsec)? / 1_000;
        let (io, status) = (read("io"), read("status"));
        Ok(Self {
            cpu_micros,
            written_bytes: number(&io, "wchar:")?,
            disk_bytes: number(&io, "write_bytes:")?,
            peak_rss_bytes: number(&status, "VmHWM:")? * 1_024,
        })
    }
}

/// Memory that this process has resident now, in bytes; 0 where the system does not tell.
pub(crate) fn resident_bytes() -> Result<u64> {
    Ok(number(&read("status"), "VmRSS:")? * 1_024)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

/// The number after a word at the beginning of a line; 0 where the system does not tell.
fn number(text: &str, word: &str) -> Result<u64> {
    let Some(line) = text.lines().find(|line| line.starts_with(word)) else {
        return Ok(0);
    };
    let number = line.split_whitespace().nth(1).unwrap_or("0");
    number
        .parse()
        .with_context(|| format!("`{line}` holds no number"))
}
