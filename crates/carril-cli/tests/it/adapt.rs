//! Lanes whose number is found out, as people see them: in the plan, in `show`, `top` and `trace lanes`.

use crate::place::Bench;

const PIPELINE: &str = r#"
name = "local"
[entities]
list = ["a", "b", "c"]
[lanes]
max = "auto"
[[stage]]
name = "work"
  [[stage.step]]
  name = "echo"
  command = ["echo", "{entity_key}"]
"#;

#[test]
fn a_number_that_is_found_out_is_told_as_such() {
    let bench = Bench::new("", PIPELINE);
    let folder = bench.path("pipeline").display().to_string();
    let plan = bench.run(&["plan", &folder]).with(0);
    assert!(
        plan.stdout.contains("as many at once as do most (auto)"),
        "{}",
        plan.stdout
    );
    assert_eq!(
        bench.run(&["plan", &folder, "--json"]).with(0).whole_json()["pipeline"]["lanes_auto"],
        true
    );
    bench.run(&["run"]).with(0);
    let shown = bench.run(&["show", "1", "--json"]).with(0).whole_json();
    let lanes = shown["process"]["lanes"].as_u64().unwrap();
    assert_eq!(shown["lanes_auto"]["most"], lanes, "a lane for each core");
    assert_eq!(shown["lanes_auto"]["reason"], "launched");
    let text = bench.run(&["show", "1"]).with(0).stdout;
    assert!(text.contains(&format!("{lanes} (auto)")), "{text}");
    let top = bench.run(&["top", "1", "--once"]).with(0).stdout;
    assert!(top.contains(&format!("lanes {lanes} (auto)")), "{top}");
    let traced = bench
        .run(&["trace", "lanes", "--json"])
        .with(0)
        .whole_json();
    let rows = traced["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["to"]), (1, &lanes.into()));
    assert_eq!(
        (&rows[0]["reason"], &traced["more"]),
        (&"launched".into(), &false.into())
    );
    let asked = ["sql", "select after, reason from lanes_changes", "--json"];
    let asked = bench.run(&asked).with(0).whole_json();
    assert_eq!(asked["rows"][0][0], lanes);
}

#[test]
fn who_says_a_number_means_it() {
    let bench = Bench::new("", PIPELINE);
    bench.run(&["run", "--lanes", "2"]).with(0);
    let shown = bench.run(&["show", "1", "--json"]).with(0).whole_json();
    assert_eq!(
        (&shown["process"]["lanes"], shown.get("lanes_auto")),
        (&2.into(), None)
    );
    let told = bench.run(&["trace", "lanes"]).with(0);
    assert!(told.stderr.contains("2 lanes for good"), "{}", told.stderr);
}
