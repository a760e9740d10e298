//! What guard rails look at: versions of a pipeline, its baseline, its past runs. Asked by the engine when it launches and when a
//! process has settled, and by people at any time, so both contracts have it. Read-only; answers come from one snapshot each.

use super::{Fault, Pending};
use crate::baseline::{Baseline, PastRun};
use crate::definition::Version;
use crate::guard::VersionRecord;
use crate::id::ProcessId;
use crate::time::Timestamp;

/// Asks what guard rails decide by.
pub trait Rails: Send + Sync {
    /// The record of this version of a pipeline, if it was ever launched, and those of at most `others` other versions:
    /// those that were launched for the first time last, the newest of them first.
    ///
    /// # Errors
    /// As [`Fault`].
    fn versions<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
        others: u32,
    ) -> Pending<'a, Result<Vec<VersionRecord>, Fault>>;

    /// What [`VersionRecord::failed`] of this version is, 0 for one that was never launched. It costs what has failed and not what was
    /// launched, so that it can be asked at every launch.
    ///
    /// # Errors
    /// As [`Fault`].
    fn early_failures<'a>(
        &'a self,
        pipeline: &'a str,
        version: &'a Version,
    ) -> Pending<'a, Result<u64, Fault>>;

    /// Baselines by pipeline's name: this pipeline's, or all of them, at most `max`.
    ///
    /// # Errors
    /// As [`Fault`].
    fn baselines<'a>(
        &'a self,
        pipeline: Option<&'a str>,
        max: u32,
    ) -> Pending<'a, Result<Vec<Baseline>, Fault>>;

    /// Settled processes of a pipeline that were launched after this one and that an entity went through, newest first, at most `max`.
    ///
    /// # Errors
    /// As [`Fault`].
    fn past_runs<'a>(
        &'a self,
        pipeline: &'a str,
        after: ProcessId,
        max: u32,
    ) -> Pending<'a, Result<Vec<PastRun>, Fault>>;

    /// Microseconds in which at least one run of a process was under way, up to `now` where one still is: from the launch, or
    /// from a retry's first lane, to the end; overlapping runs count once. What lies between an end and a retry is left out.
    ///
    /// # Errors
    /// As [`Fault`].
    fn worked_micros(&self, process: ProcessId, now: Timestamp) -> Pending<'_, Result<i64, Fault>>;
}
