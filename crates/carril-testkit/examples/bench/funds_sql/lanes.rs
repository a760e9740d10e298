//! The same work in Carril: seven stages of a step each over a workspace, a lane for each connection.

use super::place::{self, Place};
use crate::bench::arguments::Arguments;
use anyhow::{Result, ensure};
use carril::{Carril, Launch, OpenOptions, Pipeline, PipelineDefinition, Stage, Step, Workspace};
use std::time::Duration;

/// An engine with the pipeline.
pub(crate) struct Lanes {
    carril: Carril,
    pipeline: PipelineDefinition,
}

impl Lanes {
    /// Opens the store that is named, or a new file.
    pub(crate) async fn open(arguments: &Arguments, place: &Place) -> Result<Self> {
        let pipeline = pipeline(arguments.lanes)?;
        let store = arguments.store.as_deref().unwrap_or("store.db");
        let url = format!("{}&connections={}", place.url(), arguments.lanes);
        let options = OpenOptions::new(store)
            .folder(arguments.folder()?)
            .target("warehouse", url)
            .pipeline(&pipeline);
        Ok(Self {
            carril: carril::open(options).await?,
            pipeline,
        })
    }

    /// Lets all funds pass, and stops.
    pub(crate) async fn run(self, funds: u32) -> Result<()> {
        let outcome = self.carril.run(&self.pipeline, Launch::new()).await?;
        let tally = outcome.process.tally;
        ensure!(
            tally.succeeded == u64::from(funds),
            "not all succeeded: {tally:?}"
        );
        Ok(self.carril.shutdown(Duration::ZERO).await?)
    }
}

fn pipeline(lanes: u32) -> Result<PipelineDefinition> {
    let entities = "select distinct fund from position order by fund";
    let mut pipeline = Pipeline::new("funds-sql")
        .entities_query("warehouse", "fund", entities)
        .lanes(lanes)
        .workspace(Workspace::new(place::tables()));
    for number in 1..=super::STAGES {
        let mut sql = place::stage(number);
        let mut name = format!("fill-{number}");
        if number == super::STAGES {
            sql = format!("{sql};\n{}", place::total());
            name = "total".to_owned();
        }
        let mut step = Step::sql(name, sql);
        if number == super::STAGES {
            step = step.shared_write("fund_total");
        }
        pipeline = pipeline.stage(Stage::new(format!("stage-{number}")).step(step));
    }
    Ok(pipeline.build()?)
}
