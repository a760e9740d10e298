//! Whether something stands before the server that gives its connections out for a transaction only, as poolers may be told to.
//!
//! Then what is said on one connection is heard by several sessions of the server, one after the other: settings, prepared statements
//! and locks are somebody else's in the next transaction, and statements that rely on them do something else than they say. That
//! cannot be worked around from here, so it is looked for before anything is written. Nobody tells: two connections that live at the
//! same time and turn out to be one session do.

use crate::address::Address;
use crate::driver;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Which session of which server answers; a simple query, because a pooler may lose prepared ones.
const WHO: &str = "select pg_backend_pid() || ' ' || pg_postmaster_start_time() || ' ' || coalesce(host(inet_server_addr()), '')";

/// What is right where it was found.
pub(crate) const INSTEAD: &str =
    "let the pooler give out sessions (`pool_mode = session`), or name the server itself";

/// Whether this connection and a second one, which is made for the question, are given the same session of the server, or this one is
/// given another session after the second has taken its own.
///
/// # Errors
/// As the client tells it.
pub(crate) async fn gives_out_transactions(
    address: &Address,
    client: &Client,
) -> Result<bool, Error> {
    let before = who(client).await?;
    let (other, _ends_with_its_client) = driver::connect(address).await?;
    // Its session is its own as long as its transaction lasts, whatever stands between.
    other.batch_execute("begin").await?;
    let beside = who(&other).await?;
    let after = who(client).await?;
    other.batch_execute("rollback").await?;
    Ok(beside == before || after != before)
}

async fn who(client: &Client) -> Result<Option<String>, Error> {
    let answer = client.simple_query(WHO).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(row.map(str::to_owned))
}
