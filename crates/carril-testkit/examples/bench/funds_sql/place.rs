//! The tables of the funds: their positions, the seven templates that each fund's stages fill, and what comes out of it.

use anyhow::{Context as _, Result};
use tokio_postgres::{Client, NoTls};

/// Everything that is there before.
const TABLES: &str = "\
create table position (fund bigint not null, line bigint not null, instrument varchar(12) not null, quantity numeric(18, 4) not null, \
    price numeric(18, 6) not null, primary key (fund, line));
create table fund_total (fund bigint primary key, lines bigint not null, amount bigint not null);";

/// A database with the funds' tables.
pub(crate) struct Place {
    url: String,
}

/// The statement of a stage, counted from 1, with `:fund` where the fund stands. Each takes what the one before has made.
pub(crate) fn stage(number: u32) -> String {
    if number == 1 {
        return "insert into stage_1 (line, instrument, quantity, price, amount) \
                select line, instrument, quantity, price, quantity * price from position where fund = :fund"
            .to_owned();
    }
    let before = number - 1;
    format!(
        "insert into stage_{number} (line, instrument, quantity, price, amount) \
         select line, instrument, quantity, price * 1.0001, round(amount * 1.0001, 4) from stage_{before}"
    )
}

/// The last stage's second statement: what the fund comes to, in the shared table.
pub(crate) fn total() -> String {
    let last = super::STAGES;
    format!("insert into fund_total select :fund, count(*), sum(amount)::bigint from stage_{last}")
}

/// The work tables, which each fund has to itself.
pub(crate) fn tables() -> Vec<String> {
    (1..=super::STAGES)
        .map(|number| format!("stage_{number}"))
        .collect()
}

impl Place {
    /// Fills an empty database.
    pub(crate) async fn make(url: &str, funds: u32, rows: u32) -> Result<Self> {
        let place = Self {
            url: url.to_owned(),
        };
        let client = place.connect().await?;
        client.batch_execute(TABLES).await?;
        for table in tables() {
            let create = format!(
                "create table {table} (line bigint primary key, instrument varchar(12) not null, quantity numeric(18, 4) not null, \
                 price numeric(18, 6) not null, amount numeric(24, 4) not null)"
            );
            client.batch_execute(&create).await?;
        }
        let fill = "insert into position select f, l, 'I' || (l * 7 % 997), (l * 13 % 1009) / 4.0, 1 + (f * l % 977) / 8.0 \
                    from generate_series(1, $1::bigint) as f, generate_series(1, $2::bigint) as l";
        client
            .execute(fill, &[&i64::from(funds), &i64::from(rows)])
            .await?;
        client.batch_execute("vacuum analyze position").await?;
        client.batch_execute("checkpoint").await?;
        Ok(place)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection whose commits are acknowledged when they are written, as Carril's are.
    pub(crate) async fn connect(&self) -> Result<Client> {
        let connected = tokio_postgres::connect(&self.url, NoTls).await;
        let (client, connection) = connected.context("the database does not answer")?;
        tokio::spawn(connection);
        client.batch_execute("set synchronous_commit = on").await?;
        Ok(client)
    }

    /// What each fund came to.
    pub(crate) async fn totals(&self) -> Result<Vec<(i64, i64, i64)>> {
        let rows = "select fund, lines, amount from fund_total order by fund";
        let rows = self.connect().await?.query(rows, &[]).await?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect())
    }
}
