//! One client's stream, as server-sent events: it says hello with its position, then what happens, and a sign of life where nothing
//! does. It ends with its server, and when its token is no longer good.

use super::ring::Read;
use super::{Live, Position, Watching};
use crate::access::{self, Caller};
use crate::app::App;
use crate::options::STREAMS_MAX;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// Lines that are written in one go.
const LINES_MAX: usize = 256;
/// How long nothing may come before a sign of life does.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// What a stream says of itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Said {
    /// The stream begins here.
    Hello {
        /// Where: `Last-Event-ID` of who comes back before anything happened.
        position: String,
        /// Whether it goes on after the position that was asked for.
        resumed: bool,
    },
    /// Events were missed: what was read before may be old, and is to be read again.
    Resync {
        /// `behind`: they came faster than they were read. `restarted`: the position is of a server that has ended.
        reason: &'static str,
        /// How many, where that is known.
        missed: Option<u64>,
    },
}

/// A client.
struct Client {
    app: App,
    live: Arc<Live>,
    _watching: Watching,
    caller: Caller,
    process: Option<i64>,
    seen: u64,
    /// What is written before anything else.
    first: Option<String>,
}

/// Begins a stream.
pub(crate) async fn events(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let process = parameters.one("process")?;
    let last = headers.get("last-event-id");
    let last = match last.map(|last| last.to_str()) {
        Some(Ok(text)) => Some(text.parse().map_err(Problem::unreadable)?),
        Some(Err(_)) => return Err(Problem::unreadable("Last-Event-ID is no text")),
        None => parameters.one::<Position>("after")?,
    };
    let live = Arc::clone(&app.live);
    let watching = live.join(STREAMS_MAX).ok_or_else(|| {
        let detail = format!("there are {STREAMS_MAX} streams of events already");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "CAR0909", detail).retry_after(10)
    })?;
    let here = live.position();
    let resumed = last.filter(|last| last.epoch == here.epoch && last.number <= here.number);
    let seen = resumed.map_or(here.number, |last| last.number);
    let mut first = said(
        Some(Position {
            number: seen,
            ..here
        }),
        "hello",
        &Said::Hello {
            position: here.to_string(),
            resumed: resumed.is_some(),
        },
    );
    if last.is_some() && resumed.is_none() {
        let resync = Said::Resync {
            reason: "restarted",
            missed: None,
        };
        first.push_str(&said(None, "resync", &resync));
    }
    let client = Client {
        app,
        live,
        _watching: watching,
        caller,
        process,
        seen,
        first: Some(first),
    };
    let chunks = futures_util::stream::unfold(client, |mut client| async move {
        let text = client.next().await?;
        Some((Ok::<_, Infallible>(text), client))
    });
    let media = HeaderValue::from_static("text/event-stream");
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

impl Client {
    /// What is written next; `None` when the stream is over.
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let mut moved = self.live.moved.subscribe();
        loop {
            let read = self.live.ring().after(self.seen, LINES_MAX);
            let text = written(&read, self.live.epoch, self.process);
            self.seen = read.at;
            if !text.is_empty() {
                return Some(text);
            }
            if !read.lines.is_empty() {
                continue;
            }
            let seen = self.seen;
            let is_quiet = tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return None,
                moved = moved.wait_for(|newest| *newest > seen) => moved.is_err(),
                () = tokio::time::sleep(SIGN_OF_LIFE) => true,
            };
            if is_quiet {
                let is_welcome = self.is_welcome().await;
                return is_welcome.then(|| ": still here\n\n".to_owned());
            }
        }
    }

    /// Whether the token that the stream was opened with is still good.
    async fn is_welcome(&self) -> bool {
        let Some(hash) = &self.caller.hash else {
            return true;
        };
        let found = access::of_hash(&self.app, hash, self.app.now()).await;
        // Where the store does not answer nothing is known, and nothing comes either.
        found.map_or(true, |caller| caller.is_some())
    }
}

/// What a client is sent of what it read: what is about other processes than the wanted one is left out.
fn written(read: &Read, epoch: u64, process: Option<i64>) -> String {
    let mut text = String::new();
    if read.missed > 0 {
        let missed = Some(read.missed);
        let resync = Said::Resync {
            reason: "behind",
            missed,
        };
        text.push_str(&said(None, "resync", &resync));
    }
    let first = read.at - read.lines.len() as u64;
    for (line, number) in read.lines.iter().zip(first + 1..) {
        let is_wanted = process.is_none_or(|wanted| {
            // What is about no process is about all.
            line.process.is_none_or(|process| process == wanted)
        });
        if is_wanted {
            let id = Position { epoch, number };
            text.push_str(&format!(
                "id: {id}\nevent: {}\ndata: {}\n\n",
                line.event, line.text
            ));
        }
    }
    text
}

fn said(id: Option<Position>, event: &str, said: &Said) -> String {
    let text = serde_json::to_string(said).unwrap_or_default();
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("{id}event: {event}\ndata: {text}\n\n")
}

#[cfg(test)]
mod tests;
