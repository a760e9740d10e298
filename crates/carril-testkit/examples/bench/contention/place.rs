//! The tables of one side, in a schema of its own.

use anyhow::{Context as _, Result};
use carril_testkit::contention::{self, Final, READ, Size, TABLES};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Where one side works.
pub(crate) struct Place {
    url: String,
}

/// Removes what earlier runs have left in a database: Carril's bookkeeping, which a new store would take for its own, and workspaces.
pub(crate) async fn clear(url: &str) -> Result<()> {
    let client = connect(url).await?;
    let list = "select nspname::text from pg_namespace where nspname = 'carril_target' or nspname ~ '^carril_p[0-9]+_'";
    for row in client.query(list, &[]).await? {
        let schema: String = row.get(0);
        client
            .batch_execute(&format!("drop schema {schema} cascade"))
            .await?;
    }
    Ok(())
}

impl Place {
    /// Makes the tables anew, with the tenants in them.
    pub(crate) async fn make(url: &str, schema: &str, size: Size) -> Result<Self> {
        let client = connect(url).await?;
        let create = format!("drop schema if exists {schema} cascade; create schema {schema}");
        client.batch_execute(&create).await?;
        let mark = if url.contains('?') { '&' } else { '?' };
        let place = Self {
            url: format!("{url}{mark}options=-csearch_path%3D{schema}"),
        };
        let client = place.connect().await?;
        client.batch_execute(TABLES).await?;
        client
            .batch_execute(&contention::tenants_input(size))
            .await?;
        Ok(place)
    }

    /// Tables that somebody else has made.
    pub(crate) fn there(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection that finds the tables. Its commits are acknowledged when they are written, as Carril's are.
    pub(crate) async fn connect(&self) -> Result<Client> {
        let client = connect(&self.url).await?;
        client.batch_execute("set synchronous_commit = on").await?;
        Ok(client)
    }

    /// Brings the input of a round, instead of that of the round before.
    pub(crate) async fn load(&self, size: Size, round: u32) -> Result<()> {
        let client = self.connect().await?;
        client
            .batch_execute("truncate feed_holding, feed_lot")
            .await?;
        for statement in contention::tables_input(size, round) {
            client.batch_execute(&statement).await?;
        }
        client
            .batch_execute("analyze feed_holding; analyze feed_lot")
            .await?;
        Ok(())
    }

    /// What the final tables say.
    pub(crate) async fn found(&self) -> Result<Final> {
        let messages = self.connect().await?.simple_query(READ).await?;
        let lines = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("a row without text")),
            _ => None,
        });
        Ok(Final::read(lines))
    }

    /// The server's version.
    pub(crate) async fn server(&self) -> Result<String> {
        let row = self
            .connect()
            .await?
            .query_one("show server_version", &[])
            .await?;
        let version: String = row.get(0);
        Ok(version.split(' ').next().unwrap_or_default().to_owned())
    }
}

async fn connect(url: &str) -> Result<Client> {
    let connected = tokio_postgres::connect(url, NoTls).await;
    let (client, connection) = connected.context("the database does not answer")?;
    tokio::spawn(connection);
    Ok(client)
}
