//! How engines on one store tell each other that there is something to look at: a connection of its own, which listens and notifies.
//!
//! A notification is a hint, sent outside of the transactions that it is about: the server lets only one transaction that notifies
//! commit at a time, and no commit of an engine should wait for another's hint. The first of a while is sent at once, further ones
//! at most each [`SPACING`], and all that comes in between is one. Nothing relies on it: who hears nothing looks each second, and
//! a connection that is lost is made again while that goes on.

use crate::address::Address;
use crate::driver;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Error};

/// Between two notifications of one engine.
const SPACING: Duration = Duration::from_millis(50);
/// Before a lost connection is made again, the first time; twice as long each time after.
const AGAIN_MIN: Duration = Duration::from_millis(100);
/// The longest that a connection waits to be made again.
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// What one engine hears and tells.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    heard: Notify,
    told: Notify,
    /// The engine's number: it does not listen to itself.
    node: AtomicI64,
}

impl Ear {
    /// From here on the engine is this node.
    pub(crate) fn is_of(&self, node: i64) {
        self.node.store(node, Ordering::Relaxed);
    }

    /// Others should look.
    pub(crate) fn tell(&self) {
        self.told.notify_one();
    }

    /// Resolves when another has told, or may have while nobody listened.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn heard(&self) {
        self.heard.notified().await;
    }

    fn hear(&self, from: &str) {
        if from.parse() != Ok(self.node.load(Ordering::Relaxed)) {
            self.heard.notify_one();
        }
    }
}

/// The name under which engines on the store in this schema hear each other. A channel is a database's.
pub(crate) fn channel(turnstile: i64) -> String {
    format!("carril_{turnstile:x}")
}

/// Tells engines that something is there for one of them, over a connection that serves for something else.
pub(crate) async fn tell_over(client: &Client, turnstile: i64) {
    let told = client
        .execute("SELECT pg_notify($1, '0')", &[&channel(turnstile)])
        .await;
    if let Err(error) = told {
        tracing::debug!(%error, "engines were not told at once; they look each second");
    }
}

/// Listens and tells, and connects again whenever the connection is lost, until it is dropped.
pub(crate) async fn keep(ear: Arc<Ear>, address: Address, turnstile: i64) {
    let mut wait = AGAIN_MIN;
    loop {
        match listen(&ear, &address, turnstile).await {
            Ok((client, mut connection)) => {
                wait = AGAIN_MIN;
                // What was told while nobody listened is not told again.
                ear.heard.notify_one();
                tokio::select! {
                    _ = &mut connection => {}
                    error = tell(&ear, &client, turnstile) => {
                        tracing::debug!(%error, "others on the store could not be told");
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, "others on the store cannot be heard at once; they are looked at each second");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(AGAIN_MAX);
    }
}

async fn listen(
    ear: &Arc<Ear>,
    address: &Address,
    turnstile: i64,
) -> Result<(Client, tokio::task::JoinHandle<()>), Error> {
    let hears = Arc::clone(ear);
    let listening = driver::connect_hearing(address, move |message| {
        if let AsyncMessage::Notification(told) = message {
            hears.hear(told.payload());
        }
    })
    .await?;
    // A hint need not be on disk before it is sent.
    let begin = format!(
        "SET synchronous_commit = off; SET statement_timeout = '10s'; LISTEN {}",
        channel(turnstile)
    );
    listening.0.batch_execute(&begin).await?;
    Ok(listening)
}

async fn tell(ear: &Ear, client: &Client, turnstile: i64) -> Error {
    let channel = channel(turnstile);
    loop {
        ear.told.notified().await;
        let node = ear.node.load(Ordering::Relaxed).to_string();
        let told = client
            .execute("SELECT pg_notify($1, $2)", &[&channel, &node])
            .await;
        if let Err(error) = told {
            // Whoever hears it late hears it nevertheless.
            ear.told.notify_one();
            return error;
        }
        tokio::time::sleep(SPACING).await;
    }
}
