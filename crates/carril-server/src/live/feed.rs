//! Where events come from: the engine of this program, as they happen; and, where engines of other programs work on the store, looks
//! at its processes, as long as somebody watches.

use crate::app::App;
use crate::live::{Line, Live};
use carril::event::Event;
use carril::model::contract::{ProcessFilter, ProcessRow};
use carril::shape::{AlertShape, EventShape, TallyShape, rfc3339};
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often processes of other engines are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long before somebody began to watch a process may have ended and be told all the same: they may have read it before it did.
const BEFORE_MICROS: i64 = 5_000_000;
/// Processes that are looked at, the newest.
const LOOKED_AT_MAX: u32 = 200;

/// Passes on what this program's engine does.
pub(crate) async fn feed(app: App, mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(event) => one(&app, &event),
            Err(RecvError::Lagged(count)) => {
                app.metrics.lost(count);
                app.live.event(&EventShape::Lost { count }, "lost", None);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn one(app: &App, event: &Event) {
    app.metrics.event(event);
    let live: &Live = &app.live;
    let (name, process) = match event {
        Event::Process {
            process,
            state,
            tally,
            ..
        } => {
            live.is_news(process.0, *state, *tally);
            ("process", Some(process.0))
        }
        Event::Started { process, .. } => ("started", Some(process.0)),
        Event::Step { process, .. } => ("step", Some(process.0)),
        Event::Lanes { process, .. } => ("lanes", Some(process.0)),
        Event::Settled { process, .. } => ("settled", Some(process.0)),
        Event::Alert { process, .. } => ("alert", process.map(|process| process.0)),
    };
    if let Some(shape) = EventShape::of(event) {
        live.event(&shape, name, process);
    } else if let Event::Alert {
        rail,
        process: about,
        pipeline,
        message,
        at,
    } = event
    {
        let shape = AlertShape::of(*rail, *about, pipeline, message.clone(), *at);
        live.push(Line {
            event: name,
            process,
            text: serde_json::to_string(&shape).unwrap_or_default(),
        });
    }
}

/// Passes on how processes move that engines of other programs run.
pub(crate) async fn watch(app: App) {
    let mut streams = app.live.streams.subscribe();
    loop {
        if streams.wait_for(|streams| *streams > 0).await.is_err() {
            return;
        }
        // What ended while nobody watched is told by the lists that whoever begins to watch reads; but they may have read them
        // just before this.
        let began = app.now();
        let is_late = |row: &ProcessRow| {
            let ended = row.ended_at;
            ended.is_none_or(|at| began.micros_since(at) <= BEFORE_MICROS)
        };
        look(&app, is_late).await;
        while app.live.streams() > 0 {
            tokio::time::sleep(LOOK).await;
            look(&app, |_| true).await;
        }
    }
}

/// Tells what has moved, where that is of interest.
async fn look(app: &App, tells: impl Fn(&ProcessRow) -> bool) {
    let filter = ProcessFilter {
        max: LOOKED_AT_MAX,
        ..ProcessFilter::default()
    };
    // A store that does not answer is told by whoever asks it for something.
    let Ok(rows) = app.history().processes(&filter).await else {
        return;
    };
    let at = rfc3339(app.now());
    for row in rows.iter().rev() {
        if app.live.is_news(row.id.0, row.state, row.tally) && tells(row) {
            let shape = EventShape::Process {
                process: row.id.0,
                state: row.state.name(),
                entities: TallyShape::from(row.tally),
                at: at.clone(),
            };
            app.live.event(&shape, "process", Some(row.id.0));
        }
    }
}
