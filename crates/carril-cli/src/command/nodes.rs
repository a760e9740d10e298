//! `carril nodes`: the engines that are at work on the store, each with its last sign of life. Only reads.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::time;
use carril::shape::NodeShape;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    nodes: Vec<NodeShape<'a>>,
}

/// Lists them.
pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let nodes = reader.nodes().await?;
    if context.output.json() {
        context.output.value(&Shape {
            nodes: nodes.iter().map(NodeShape::from).collect(),
        })?;
        return Ok(Exit::Ok);
    }
    if nodes.is_empty() {
        context
            .output
            .talk("no engine is at work on this store; `carril worker` is one");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        ">node",
        "host",
        ">pid",
        "command",
        "since",
        "last seen",
        ">lanes",
        ">lease left",
    ]);
    let told = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for node in &nodes {
        table.row(&[
            told(node.id.map(|id| id.0.to_string())),
            node.host.clone(),
            node.pid.to_string(),
            node.command.clone(),
            told(node.since.map(|at| time::local(at, context.zone()))),
            told(node.last_seen.map(|at| time::local(at, context.zone()))),
            told(node.lanes_busy.map(|lanes| lanes.to_string())),
            told(node.lease_left.map(time::span)),
        ]);
    }
    context.output.data(&table.render())?;
    Ok(Exit::Ok)
}
