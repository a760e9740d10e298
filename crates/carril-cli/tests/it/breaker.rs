//! Circuit breakers at the command line: beside the engine that runs the process, and where no engine is left.

use crate::faults::bench::{Bench, until};

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada');
create table effect (entity text);
";

/// What the resource is for fails until the file `up` is there.
const PIPELINE: &str = r#"
name = "guarded"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[lanes]
priority = 3
[resource.api]
slots = 2
rate = "100/s"
breaker = { failures = 2, cooldown = "10m" }
[[stage]]
name = "work"
  [[stage.step]]
  name = "call"
  command = ["sh", "-c", "touch ../waiting; test -e ../up || exit 75"]
  resource = "api"
  retry = { attempts = 9, backoff = "1ms..2ms" }
"#;

const CAUSE: &str = "select group_concat(cause || ' ' || coalesce(about, '')) from executions";

#[test]
fn a_breaker_that_opened_is_shown_explained_and_closed_beside_the_engine() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    let run = bench.start(&["run", "--json", "--priority", "-5"]);
    bench.until_file("waiting");
    until("the breaker is open", || {
        bench.store::<String>(CAUSE) == "breaker api"
    });
    assert_eq!(bench.store::<i64>("select priority from processes"), -5);
    let shown = bench.run(&["resources", "--json"]).with(0).whole_json();
    let api = &shown["resources"][0];
    assert_eq!(api["resource"], "api");
    assert_eq!(api["slots"], 2);
    assert_eq!(api["rate"], "100/s");
    assert_eq!(api["in_use"], 0);
    assert_eq!(api["waiting_breaker"], 1);
    assert_eq!(api["breaker"]["state"], "open");
    assert!(api["breaker"]["until"].is_string());
    bench
        .run(&["why", "2"])
        .with(0)
        .telling("2 uses in a row failed");
    bench
        .run(&["breaker", "open", "apy"])
        .with(4)
        .saying("CAR0436");

    std::fs::write(bench.path("up"), "").unwrap();
    let closed = bench
        .run(&[
            "breaker",
            "close",
            "api",
            "--reason",
            "it is mended",
            "--json",
        ])
        .with(0)
        .whole_json();
    let breaker = &closed["resources"][0]["breaker"];
    assert_eq!(breaker["state"], "closed");
    assert_eq!(breaker["forced"], true);
    assert_eq!(closed["resources"][0]["changes"][1]["state"], "open");
    run.end().with(0);

    // Nobody runs it any more, and what was said stays until it is said otherwise.
    bench
        .run(&["resources"])
        .with(0)
        .telling("closed, held by hand, as it is mended");
    bench.run(&["breaker", "open", "api"]).with(0);
    let states = "select group_concat(state, ' ') from (select state from breaker_changes order by since_us)";
    assert_eq!(bench.store::<String>(states), "open closed open");
    bench.run(&["breaker", "auto", "api"]).with(0);
    bench.run(&["run"]).with(0);
    bench
        .run(&["resources", "nothing"])
        .with(4)
        .saying("CAR0438");
}
