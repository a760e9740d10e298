//! The same work as somebody writes it for just this: tasks that share a number of connections, each fund on one of them from its
//! first table to its last, a transaction for each stage.
//!
//! Nothing is kept of what was done: after a crash everything begins anew, and nobody knows what is half done. No step has a
//! time limit, nothing is tried again, and nothing is counted. That is what the comparison is about.

use super::place::{self, Place};
use anyhow::Result;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Lets all funds pass, as many at once as there are connections.
pub(crate) async fn run(place: &Arc<Place>, funds: u32, connections: u32) -> Result<()> {
    let waiting: Arc<Mutex<Vec<i64>>> =
        Arc::new(Mutex::new((1..=i64::from(funds)).rev().collect()));
    let mut running = JoinSet::new();
    for _ in 0..connections.min(funds) {
        let (waiting, place) = (Arc::clone(&waiting), Arc::clone(place));
        running.spawn(async move {
            let mut client = place.connect().await?;
            loop {
                let next = waiting.lock().expect("nobody panics with it").pop();
                let Some(fund) = next else {
                    return Ok(());
                };
                pass(&mut client, fund).await?;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        let ended: Result<()> = ended?;
        ended?;
    }
    Ok(())
}

async fn pass(client: &mut Client, fund: i64) -> Result<()> {
    let schema = format!("fund_{fund}");
    let copy = |table: String| {
        format!("create table {schema}.{table} (like public.{table} including all)")
    };
    let tables: Vec<String> = place::tables().into_iter().map(copy).collect();
    let make = client.transaction().await?;
    make.batch_execute(&format!("create schema {schema}; {}", tables.join("; ")))
        .await?;
    make.commit().await?;
    client
        .batch_execute(&format!("set search_path = {schema}, public"))
        .await?;
    for number in 1..=super::STAGES {
        let transaction = client.transaction().await?;
        let statement = place::stage(number);
        run_one(&transaction, &statement, fund).await?;
        if number == super::STAGES {
            run_one(&transaction, &place::total(), fund).await?;
        }
        transaction.commit().await?;
    }
    let drop = client.transaction().await?;
    drop.batch_execute(&format!("drop schema {schema} cascade"))
        .await?;
    drop.commit().await?;
    Ok(())
}

async fn run_one(
    transaction: &tokio_postgres::Transaction<'_>,
    statement: &str,
    fund: i64,
) -> Result<()> {
    if statement.contains(":fund") {
        let statement = statement.replace(":fund", "$1");
        transaction
            .execute_typed(&statement, &[(&fund, Type::INT8)])
            .await?;
    } else {
        transaction.execute_typed(statement, &[]).await?;
    }
    Ok(())
}
