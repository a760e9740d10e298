//! `carril doctor`: each thing that can be wrong is made wrong, told on its line, and nothing is changed by the look.

use crate::place::{Bench, Ended, bench, kill, object};
use serde_json::Value;
use std::fs;

fn doctor(bench: &Bench, words: &[&str]) -> Ended {
    let warehouse = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    let pipeline = bench.path("pipeline");
    let mut all = vec![
        "doctor",
        pipeline.to_str().unwrap(),
        "--json",
        "--target",
        &warehouse,
    ];
    all.extend(words);
    bench.run(&all)
}

/// Level and text of a line.
fn line<'a>(told: &'a Value, about: &str) -> (&'a str, &'a str) {
    let lines = told["lines"].as_array().unwrap();
    let line = lines
        .iter()
        .find(|line| line["about"] == about)
        .unwrap_or_else(|| panic!("nothing about {about}: {told}"));
    if line["level"] != "well" {
        assert!(line["todo"].is_string(), "what to do? {line}");
    }
    (
        line["level"].as_str().unwrap(),
        line["said"].as_str().unwrap(),
    )
}

#[test]
fn all_is_well_after_a_run_and_nothing_is_changed_by_looking() {
    let bench = bench();
    let told = object(&doctor(&bench, &[]).with(0));
    assert_eq!(line(&told, "store").0, "warning", "{told}");
    assert!(!bench.path("carril.db").exists(), "a look makes no store");
    bench.run(&["run"]).with(0);
    let before = fs::read(bench.path("carril.db")).unwrap();
    let told = object(&doctor(&bench, &[]).with(0));
    for about in [
        "store",
        "integrity",
        "clock",
        "engine",
        "unfinished",
        "requests",
        "retention",
        "workspaces",
        "target",
        "pipeline",
    ] {
        assert_eq!(line(&told, about).0, "well", "{about}: {told}");
    }
    assert!(fs::read(bench.path("carril.db")).unwrap() == before);
    let text = bench.run(&["doctor"]).with(0).stdout;
    assert!(text.contains("✓ integrity"), "{text}");
}

#[test]
fn who_works_and_what_nobody_works_on_is_told() {
    let bench = bench();
    let running = bench.start(&["run", "--set", "hold=ada"]);
    bench.until_file("waiting");
    let told = object(&doctor(&bench, &[]).with(0));
    let (level, said) = line(&told, "engine");
    assert!(level == "well" && said.contains("carril run"), "{told}");
    assert!(
        line(&told, "unfinished").1.contains("an engine is at work"),
        "{told}"
    );
    kill(running);
    bench.change("update node set last_seen = last_seen + 3600000000; insert into request (wish, posted_at) values ('{}', 1)");
    fs::create_dir_all(bench.path("carril.db.lanes/warehouse-1/p77")).unwrap();
    fs::write(bench.path("carril.db.lanes/warehouse-1/p77/e78-r1.db"), "").unwrap();
    let told = object(&doctor(&bench, &[]).with(0));
    assert_eq!(told["worst"], "warning");
    for (about, words) in [
        ("unfinished", "nobody works on it"),
        ("clock", "ahead of this machine's clock"),
        ("requests", "1 request is unanswered"),
        ("workspaces", "1 of processes that this store does not know"),
    ] {
        let (level, said) = line(&told, about);
        assert!(
            level == "warning" && said.contains(words),
            "{about}: {told}"
        );
    }
}

#[test]
fn faults_end_with_the_exit_code_of_the_first() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let settings = "[targets]\narchive = \"sqlite:gone.db\"\n[secrets]\ngeneva = \"${env:CARRIL_TEST_NO_SUCH}\"\nwell = \"${env:PATH}\"\n";
    fs::write(bench.path("pipeline/carril.toml"), settings).unwrap();
    let ended = doctor(&bench, &[]).with(10);
    assert!(
        !ended.stdout.contains("/bin"),
        "no value of a secret is told: {}",
        ended.stdout
    );
    let told = object(&ended);
    assert_eq!(told["exit"], 10);
    let faults: Vec<&Value> = told["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["level"] == "fault")
        .collect();
    assert_eq!(faults.len(), 2, "{told}");
    assert!(
        faults[0]["said"].as_str().unwrap().starts_with("archive: "),
        "{told}"
    );
    assert!(
        faults[1]["said"].as_str().unwrap().contains("geneva"),
        "{told}"
    );
    fs::write(bench.path("pipeline/carril.toml"), "stoer = 1\n").unwrap();
    let told = object(&doctor(&bench, &[]).with(3));
    assert!(line(&told, "carril.toml").1.contains("CAR0122"), "{told}");
    assert_eq!(
        line(&told, "store").0,
        "well",
        "the rest is looked at all the same"
    );
    fs::remove_file(bench.path("pipeline/carril.toml")).unwrap();
    let file = bench.path("pipeline/pipeline.toml");
    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("into own_rows", "into own_rosw");
    fs::write(&file, text).unwrap();
    let told = object(&doctor(&bench, &[]).with(3));
    assert_eq!(line(&told, "pipeline").0, "fault", "{told}");
}

#[test]
fn a_store_that_is_none_or_damaged_is_told() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    bench.change("pragma user_version = 99");
    let told = object(&doctor(&bench, &[]).with(9));
    assert!(line(&told, "store").1.contains("CAR0601"), "{told}");
    fs::write(
        bench.path("carril.db"),
        "this is no database, and longer than a header of one is ".repeat(9),
    )
    .unwrap();
    let told = object(&doctor(&bench, &[]).with(9));
    assert!(line(&told, "store").1.contains("CAR0602"), "{told}");
    assert_eq!(
        line(&told, "target").0,
        "well",
        "the rest is looked at all the same"
    );
}
