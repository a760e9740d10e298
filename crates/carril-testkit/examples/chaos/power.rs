//! Power failures: a run is recorded, and from its writes and syncs images are made of what a disk may hold at any instant.
//! On each, all that the program had said must be so, and the run must come to its end with everything there once.
//!
//! That it can fail is shown by lies: a disk that says it synced and did not, and a program that says something before it is
//! durable. Each must be told.

use super::disk::Disk;
use super::recording::{Event, Recording, record};
use super::tiny::{Deed, Tiny};
use super::{Failure, Found};
use crate::random::Random;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct PowerSettings {
    /// The `carril` binary.
    pub(crate) carril: PathBuf,
    /// Where worlds are made.
    pub(crate) folder: PathBuf,
    /// How many images.
    pub(crate) images: u32,
    /// What all choices come from.
    pub(crate) seed: u64,
    /// `[workspace] synchronous`: `full` or `normal`.
    pub(crate) synchronous: &'static str,
    /// What is made wrong on purpose.
    pub(crate) lie: Option<Lie>,
}

/// Something that must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// No sync makes anything durable, as with `synchronous = OFF`.
    NoSync,
    /// What the program says comes before the writes and syncs that make it so.
    SaidEarly,
}

/// How many events a promise is moved forwards by [`Lie::SaidEarly`].
const EARLY_EVENTS: usize = 40;

/// Records runs, makes images and looks at each.
///
/// # Errors
/// When a program cannot be started.
pub(crate) fn power(settings: &PowerSettings) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut random = Random::new(settings.seed);
    let tiny = Tiny::make(
        &settings.carril,
        &settings.folder,
        settings.synchronous,
        Deed::Run,
    )?;
    let mut recording = record(&tiny, Deed::Run, &settings.folder.join("calls.txt"))?;
    tiny.reset()?;
    match settings.lie {
        Some(Lie::NoSync) => recording
            .events
            .retain(|event| !matches!(event, Event::Synced { .. })),
        Some(Lie::SaidEarly) => say_early(&mut recording),
        None => {}
    }
    let first = Disk::of(&tiny.folder)?;
    let length = recording.events.len() as u64;
    let syncs = recording
        .events
        .iter()
        .filter(|event| matches!(event, Event::Synced { .. }))
        .count();
    found.notes.push(format!(
        "seed {}, synchronous {}: {length} events with {syncs} syncs",
        settings.seed, settings.synchronous
    ));
    for number in 0..settings.images {
        let cut = usize::try_from(random.below(length + 1)).unwrap_or(0);
        let share = [0, 20, 50, 80, 100][usize::try_from(random.below(5)).unwrap_or(0)];
        let mut disk = first.clone();
        recording.events[..cut]
            .iter()
            .for_each(|event| disk.apply(event));
        let image = disk.image(&mut random, share);
        let wrong = look(&tiny, &image, &said(&recording.events[..cut]))?;
        found.count += 1;
        let place = format!(
            "image {number}, after event {cut} of {length}, {share} % of what was not synced"
        );
        found
            .wrong
            .extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}")));
        if settings.lie.is_some() && !found.wrong.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Puts an image into the world's place; what is wrong there at once, and after the run went on.
fn look(
    tiny: &Tiny,
    image: &BTreeMap<PathBuf, Vec<u8>>,
    said: &[Value],
) -> Result<Vec<String>, Failure> {
    std::fs::remove_dir_all(&tiny.folder)?;
    for (path, bytes) in image {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        std::fs::write(path, bytes)?;
    }
    // A damaged file is not the driver's failure: it is what is looked for.
    let mut wrong = tiny
        .broken_promises(said)
        .unwrap_or_else(|error| vec![format!("the store cannot be asked: {error}")]);
    if wrong.is_empty() {
        wrong = tiny
            .finish(Deed::Run)
            .unwrap_or_else(|error| vec![format!("it cannot be looked at: {error}")]);
    }
    Ok(wrong)
}

/// Every whole line of stdout that is JSON.
fn said(events: &[Event]) -> Vec<Value> {
    let mut text = Vec::new();
    for event in events {
        if let Event::Said { bytes } = event {
            text.extend_from_slice(bytes);
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn say_early(recording: &mut Recording) {
    for at in 0..recording.events.len() {
        if matches!(recording.events[at], Event::Said { .. }) {
            let event = recording.events.remove(at);
            recording
                .events
                .insert(at.saturating_sub(EARLY_EVENTS), event);
        }
    }
}
