//! Baselines: the process that later runs of its pipeline are compared with.

use crate::engine::Engine;
use crate::error::Error;
use carril_model::baseline::Baseline;
use carril_model::id::ProcessId;

impl Engine {
    /// Makes a process the baseline of its pipeline, instead of the one it had.
    ///
    /// # Errors
    /// `CAR0451` when it has not ended, or no entity went through it; else as [`Error`].
    pub async fn set_baseline(&self, process: ProcessId, by: &str) -> Result<Baseline, Error> {
        self.core.check_alive()?;
        let now = self.core.clock.now();
        let row = self.core.store.process(process).await?;
        // As runs are compared: only of those that were run again the rest lies between their runs.
        let worked = match row.ended_at {
            Some(ended) if !row.reopened => ended.micros_since(row.launched_at),
            _ => self.core.store.worked_micros(process, now).await?,
        };
        let baseline = Baseline::of(&row, worked, by, now)
            .map_err(|message| Error::refused("CAR0451", message))?;
        self.core.store.keep_baseline(&baseline).await?;
        Ok(baseline)
    }

    /// Forgets the baseline of a pipeline.
    ///
    /// # Errors
    /// `CAR0452` when it has none; else as [`Error`].
    pub async fn clear_baseline(&self, pipeline: &str) -> Result<(), Error> {
        self.core.check_alive()?;
        if self.core.store.clear_baseline(pipeline).await? {
            return Ok(());
        }
        let message = format!("no pipeline called `{pipeline}` has a baseline");
        Err(Error::refused("CAR0452", message))
    }
}
