//! A process as a trace: a lane is a track, an attempt of a step a slice, a wait a slice named by its cause, a wait for a resource an
//! arrow to whoever gave it up, and the number of lanes at work a curve. Made part by part, so that none of it has to be held at once.

use super::releases::Releases;
use super::slices::{Curve, Slice, packed};
use super::writer::Writer;
use super::{Lane, lanes};
use carril_model::contract::{ExecutionFilter, Fault, History, ProcessRow};
use carril_model::time::Timestamp;

/// Executions of one part.
const PAGE: u32 = 200;

/// A trace that is being made.
#[derive(Debug)]
pub struct Export {
    process: ProcessRow,
    now: Timestamp,
    writer: Writer,
    releases: Option<Releases>,
    curve: Curve,
    filter: ExecutionFilter,
    is_over: bool,
}

impl Export {
    /// Begins the trace of a process as it is `now`.
    ///
    /// # Errors
    /// As the store.
    pub async fn begin(
        history: &dyn History,
        process: ProcessRow,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let releases = Releases::read(history, process.id, None).await?;
        let mut writer = Writer::new(process.id.0);
        writer.process(&format!("process {} {}", process.id, process.pipeline));
        let end = process.ended_at.unwrap_or(now);
        Ok(Self {
            curve: Curve::new(process.launched_at, end),
            filter: ExecutionFilter {
                max: PAGE,
                ..ExecutionFilter::default()
            },
            is_over: false,
            process,
            now,
            writer,
            releases,
        })
    }

    /// Whether arrows are drawn: where a process used resources too often to read them all, none are.
    #[must_use]
    pub const fn has_arrows(&self) -> bool {
        self.releases.is_some()
    }

    /// The next part; `None` after the last one. All parts in a row are one JSON text.
    ///
    /// # Errors
    /// As the store; what was given before is then half a trace, which opens nowhere.
    pub async fn next(&mut self, history: &dyn History) -> Result<Option<Vec<u8>>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let mut page = lanes(history, self.process.id, &self.filter).await?;
        let Some(last) = page.last() else {
            self.is_over = true;
            for (at, lanes) in self.curve.points() {
                self.writer.count(at, lanes);
            }
            self.writer.end();
            return Ok(Some(self.writer.take()));
        };
        self.filter.after = Some(last.row.id);
        for lane in &mut page {
            self.curve.add(lane.row.started_at, lane.row.ended_at);
            if let Some(releases) = &self.releases {
                releases.point(lane);
            }
            self.lane(lane);
        }
        Ok(Some(self.writer.take()))
    }

    /// One lane: its slices on as many tracks as overlap, and arrows from its waits.
    fn lane(&mut self, lane: &Lane) {
        let (row, first) = (&lane.row, self.process.id.0);
        let name = format!(
            "{} ({})",
            row.entity.as_deref().unwrap_or("process"),
            row.id
        );
        let main = self.writer.main(row.id.0 - first, &name);
        let attempts = lane.attempts.iter();
        let mut slices: Vec<Slice> = attempts
            .filter_map(|attempt| Slice::of(attempt, self.now))
            .collect();
        slices.extend(Slice::queued(row));
        for wait in &lane.waits {
            // Arrows of an export are those of resources; without all of their ends there are none at all.
            if let Some((holder, at)) = wait.holder.filter(|_| self.releases.is_some()) {
                self.writer
                    .arrow((main, wait.began), (holder.0 - first, at));
            }
            slices.push(Slice::wait(wait));
        }
        for (number, track) in packed(slices).into_iter().enumerate() {
            let id = if number == 0 {
                main
            } else {
                self.writer.beside(&format!("{name} ∥{}", number + 1))
            };
            for slice in track {
                self.writer.slice(id, &slice);
            }
        }
    }
}
