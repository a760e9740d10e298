//! Looks at the server's locks while steps run: asleep while none does, five times a second while some do, and twenty times while
//! one of them waits. It has a connection of its own, given up when nothing has run for a while.
//!
//! Looking may fail, be refused, or take long; then it is said once, and tried again later. It changes nothing, so nothing else
//! hears of that. Where a server takes its time to answer, looks become fewer, so that they never take more than a third of one session's time.

use super::{DEADLOCK_MICROS, Watch, look};
use crate::target::lock;
use crate::target::pool::Pool;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio_postgres::{Client, Error};

/// Between two questions to the register whether somebody is to be looked at.
const TICK: Duration = Duration::from_millis(25);
/// The longest pause between two looks, however slowly the server answers.
const TICK_MAX: Duration = Duration::from_millis(150);
/// How many times as long as a look took the pause after it is, at least.
const PAUSE_TIMES: u32 = 2;
/// How long the connection is kept while nobody is at work.
const IDLE: Duration = Duration::from_secs(30);
/// How long a look may take; the server ends each of its questions before.
const LOOK_TIME: Duration = Duration::from_secs(5);
/// How long it is not tried again after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// What the server's views call it.
const NAME: &str = "carril-locks";

/// Looks as long as the target is there.
pub(super) async fn run(watch: Weak<Watch>, pool: Arc<Pool>) {
    let mut looker = Looker {
        pool,
        client: None,
        has_failed: false,
    };
    while let Some(present) = watch.upgrade() {
        let now = present.now();
        let Some(due) = present.due(now) else {
            let wake = Arc::clone(&present.wake);
            // Whoever drops the target rings, so it is not held while nothing happens.
            drop(present);
            if tokio::time::timeout(IDLE, wake.notified()).await.is_err() {
                looker.client = None;
                wake.notified().await;
            }
            continue;
        };
        let pause = if due.is_empty() {
            TICK
        } else {
            looker.look(&present, &due).await
        };
        drop(present);
        tokio::time::sleep(pause).await;
    }
}

struct Looker {
    pool: Arc<Pool>,
    client: Option<Client>,
    has_failed: bool,
}

impl Looker {
    /// Looks once; gives the time until the next look.
    async fn look(&mut self, watch: &Watch, pids: &[i32]) -> Duration {
        let before = watch.now();
        let why = match tokio::time::timeout(LOOK_TIME, self.try_look(watch, pids)).await {
            Ok(Ok(())) => {
                if std::mem::take(&mut self.has_failed) {
                    tracing::info!(target = %watch.target, "locks are seen again");
                }
                let took = watch.now().micros_since(before).max(0).unsigned_abs();
                return (Duration::from_micros(took) * PAUSE_TIMES).clamp(TICK, TICK_MAX);
            }
            Ok(Err(error)) => crate::target::fault::words(&error),
            Err(_) => "the server did not answer in time".to_owned(),
        };
        self.client = None;
        if !std::mem::replace(&mut self.has_failed, true) {
            tracing::warn!(target = %watch.target, why, "locks cannot be looked at; waits for them count as running until they can");
        }
        AFTER_FAILURE
    }

    async fn try_look(&mut self, watch: &Watch, pids: &[i32]) -> Result<(), Error> {
        let client = match self.client.take() {
            Some(client) if !client.is_closed() => client,
            _ => self.connect(watch).await?,
        };
        let asked = watch.now();
        let waiting = look::waiting(&client, pids).await?;
        let sight = if waiting.is_empty() {
            look::Sight::default()
        } else {
            look::look(&client, &waiting, || watch.now()).await?
        };
        watch.saw((pids, asked), &waiting, &sight);
        self.client = Some(client);
        Ok(())
    }

    async fn connect(&self, watch: &Watch) -> Result<Client, Error> {
        let client = self.pool.apart(NAME).await?;
        let settings = include_str!("../../../sql/target/lock_settings.sql");
        let row = client.query_typed_one(settings, &[]).await?;
        let deadlock: Option<i64> = row.get(2);
        let micros = deadlock.map_or(DEADLOCK_MICROS, |millis| millis * 1_000);
        lock(&watch.state).deadlock_micros = Some(micros);
        Ok(client)
    }
}
