//! How long it takes until the work of a worker that died is somebody else's, with the lease that everybody has.

use super::place::{Failure, Place};
use super::{Settings, load::Load};
use std::time::{Duration, Instant};

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Kills a worker in the middle of its steps, and measures until others have all that it ran; nobody starts it again meanwhile.
///
/// # Errors
/// When nobody takes over, or a program cannot be started.
pub(crate) fn takeover(settings: &Settings) -> Result<Duration, Failure> {
    std::fs::create_dir_all(&settings.folder)?;
    let mut place = Place::make(settings)?;
    let _load = Load::begin(&mut place, 1)?;
    let busiest = "select coalesce(max(n.pid::text || ' ' || n.id), '') from carril.node n where n.command like '%worker%' and n.left_at is null \
                   and exists (select from carril.execution e where e.node = n.id and e.state = 1)";
    let began = Instant::now();
    loop {
        place.pass(Duration::from_millis(20))?;
        let said = place.ask(busiest).unwrap_or_default();
        let mut words = said.split_whitespace();
        let (pid, node) = (words.next(), words.next());
        let ids: Vec<Option<u32>> = place
            .workers
            .iter()
            .map(super::worker::Worker::id)
            .collect();
        let whom = pid.and_then(|pid| ids.iter().position(|id| *id == pid.parse().ok()));
        if let (Some(whom), Some(node)) = (whom, node) {
            place.workers[whom].kill()?;
            return taken(&place, node);
        }
        if began.elapsed() > LIMIT {
            return Err("no worker ever ran anything".into());
        }
    }
}

/// Waits until nothing is the dead one's any more; others may not have claimed it yet, but may.
fn taken(place: &Place, node: &str) -> Result<Duration, Failure> {
    let died = Instant::now();
    let held = format!("select count(*) from carril.execution where node = {node} and state = 1");
    if place.number(&held)? == 0 {
        return Err("the worker had just ended what it ran; try again".into());
    }
    while place.number(&held)? > 0 {
        if died.elapsed() > LIMIT {
            return Err(format!("nobody took over within {LIMIT:?}").into());
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(died.elapsed())
}
