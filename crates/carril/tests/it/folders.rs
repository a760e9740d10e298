//! Where commands run: in the folder that a launch names, else in the engine's, and both are kept with the process.

use crate::harness::{House, PATIENCE, settled};
use carril::{Carril, Launch, PipelineDefinition};
use std::path::{Path, PathBuf};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
const PIPELINE: &str = r#"
name = "where"
[params]
round = { type = "integer" }
[entities]
list = ["ada"]
[[stage]]
name = "tell"
  [[stage.step]]
  name = "where"
  command = ["sh", "-c", "touch round-$0", "{round}"]
"#;

fn folder(house: &House, name: &str) -> PathBuf {
    let folder = house.path().join(name);
    std::fs::create_dir(&folder).expect("the folder is made");
    folder
}

/// An engine whose own folder is this one.
async fn open(house: &House, folder: &Path) -> Carril {
    let options = house.options().commands(folder, PATH);
    carril::open(options).await.expect("the store opens")
}

/// Runs the pipeline and tells the folder that its process keeps.
async fn run(carril: &Carril, pipeline: &PipelineDefinition, launch: Launch) -> Option<String> {
    let outcome = carril.run(pipeline, launch).await.expect("it runs");
    assert_eq!(outcome.process.tally.succeeded, 1);
    let row = settled(carril, outcome.process.id).await;
    row.folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_names_its_folder_or_has_the_engines() {
    let house = House::new();
    let pipeline = house.pipeline(&[("pipeline.toml", PIPELINE)]);
    let (engines, own) = (folder(&house, "engines"), folder(&house, "own"));
    let carril = open(&house, &engines).await;
    let kept = run(&carril, &pipeline, Launch::new().set("round", 1)).await;
    assert_eq!(kept.as_deref(), engines.to_str());
    let launch = Launch::new().set("round", 2).folder(&own);
    assert_eq!(
        run(&carril, &pipeline, launch).await.as_deref(),
        own.to_str()
    );
    carril.shutdown(PATIENCE).await.expect("it ends");
    assert!(engines.join("round-1").exists() && !engines.join("round-2").exists());
    assert!(own.join("round-2").exists() && !own.join("round-1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_of_another_folder_retries_where_it_was_launched() {
    let house = House::new();
    let pipeline = house.pipeline(&[("pipeline.toml", PIPELINE)]);
    let (first, second) = (folder(&house, "first"), folder(&house, "second"));
    let carril = open(&house, &first).await;
    let launched = carril
        .run(&pipeline, Launch::new().set("round", 1))
        .await
        .expect("it runs");
    carril.shutdown(PATIENCE).await.expect("it ends");
    std::fs::remove_file(first.join("round-1")).expect("it was made");
    let carril = open(&house, &second).await;
    let all = carril::model::contract::Selection::Process(launched.process.id);
    let again = carril.engine().retry(all, Some("tell/where")).await;
    let row = settled(&carril, again.expect("it is run again")[0]).await;
    assert_eq!(row.tally.succeeded, 1);
    carril.shutdown(PATIENCE).await.expect("it ends");
    assert!(first.join("round-1").exists());
    assert!(!second.join("round-1").exists());
}
