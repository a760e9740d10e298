//! Whether a version of a pipeline is so bad that it is not launched any more, and which one to go back to.
//!
//! A new version shows in its first two hours what it is worth. The store gives the numbers of each version, counted from
//! its processes as they are now: a retry that succeeds, or data that was mended, makes a version good again. Nothing here
//! stops what runs; a launch asks, and whoever shows a process says what the answer would be.

use crate::definition::{AbortWhen, Version};
use crate::time::Timestamp;
use std::fmt;
use std::time::Duration;

/// How long after a version's first launch its processes count.
pub const WINDOW: Duration = Duration::from_secs(2 * 3_600);
/// When a version is bad: more than half of them failed, of at least 20.
pub const RULE: AbortWhen = AbortWhen {
    failed_permille: 500,
    after: 20,
};
/// Versions among which one to go back to is looked for, newest first.
pub const OTHERS_MAX: u32 = 50;

/// What is known of one version of a pipeline. Entities' executions are counted, of processes that were launched within
/// [`WINDOW`] of the version's first launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRecord {
    /// The version.
    pub version: Version,
    /// When it was launched first, also when that process has been forgotten since.
    pub first_launch: Timestamp,
    /// Executions that succeeded, failed or were skipped, or have come to a barrier (see
    /// [`crate::process::lanes_done`]). What was cancelled or rolled back says nothing about it.
    pub settled: u64,
    /// Executions that failed.
    pub failed: u64,
    /// Executions that succeeded.
    pub succeeded: u64,
    /// Whether any process of it, whenever launched, has an execution that succeeded.
    pub has_succeeded: bool,
}

impl VersionRecord {
    /// Whether too much of it has failed.
    #[must_use]
    pub fn is_bad(&self, rule: AbortWhen) -> bool {
        rule.is_broken(self.settled, self.failed)
    }
}

/// Why a version is not launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The version.
    pub version: Version,
    /// How many executions of its first hours failed.
    pub failed: u64,
    /// Of how many.
    pub settled: u64,
    /// When those hours began.
    pub since: Timestamp,
    /// The newest other version that is not bad and has something to show for it.
    pub go_back_to: Option<Version>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} of {} executions of version {} failed in its first two hours, since {}; ",
            self.failed,
            self.settled,
            self.version.short(),
            self.since
        )?;
        match &self.go_back_to {
            Some(version) => write!(out, "go back to version {}", version.short()),
            None => out.write_str("no other version of this pipeline has succeeded yet"),
        }
    }
}

/// Whether a version could be refused with so many failures, whatever else is known of it. Nearly every version is good, and this
/// says so without counting all that was launched.
#[must_use]
pub const fn could_be_bad(rule: AbortWhen, failed: u64) -> bool {
    // Of no more than this were there failures enough, and of fewer there is no verdict.
    let settled = if rule.after == 0 { 1 } else { rule.after };
    failed as u128 * 1_000 > settled as u128 * rule.failed_permille as u128
}

/// Whether a version is refused, from the records of its pipeline's versions, in any order.
#[must_use]
pub fn refusal(records: &[VersionRecord], version: &Version) -> Option<Refusal> {
    refusal_by(RULE, records, version)
}

/// The same by another rule, for a simulator that has no time for 20 executions.
#[must_use]
pub fn refusal_by(
    rule: AbortWhen,
    records: &[VersionRecord],
    version: &Version,
) -> Option<Refusal> {
    let bad = records
        .iter()
        .find(|record| record.version == *version && record.is_bad(rule))?;
    let newest_good = records
        .iter()
        .filter(|other| other.version != *version && other.has_succeeded && !other.is_bad(rule))
        .max_by(|one, other| {
            let by = |record: &VersionRecord| (record.first_launch, record.version.clone());
            by(one).cmp(&by(other))
        });
    Some(Refusal {
        version: version.clone(),
        failed: bad.failed,
        settled: bad.settled,
        since: bad.first_launch,
        go_back_to: newest_good.map(|record| record.version.clone()),
    })
}

#[cfg(test)]
mod tests;
