//! What would be right, as a command that can be typed: in errors of launches, at the end of a plan, for slips in names of targets.

use crate::place::{Bench, SCHEMA, bench};
use std::fs;

/// The bench's pipeline with one piece of text replaced.
fn with(replaced: &str, by: &str) -> Bench {
    let bench = bench();
    let file = bench.path("pipeline/pipeline.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(replaced), "{replaced}");
    fs::write(&file, text.replace(replaced, by)).unwrap();
    bench
}

/// A command about the bench's pipeline with its target, said in full.
fn about(bench: &Bench, command: &str, rest: &[&str]) -> crate::place::Ended {
    let target = format!("warehouse=sqlite:{}", bench.path("warehouse.db").display());
    let folder = bench.path("pipeline").display().to_string();
    let mut words = vec![command, folder.as_str(), "--target", target.as_str()];
    words.extend(rest);
    bench.run(&words)
}

#[test]
fn a_plan_ends_with_the_command_that_does_it() {
    let bench = with(
        "fail = { type = \"text\", default = \"\" }",
        "fail = { type = \"text\" }",
    );
    let ended = about(&bench, "plan", &["--set", "fail=bela jones"]).with(0);
    let line = ended.stderr.lines().last().unwrap();
    let (_, command) = line.split_once("`carril ").unwrap();
    let (command, _) = command.split_once('`').unwrap();
    assert!(command.contains("--set 'fail=bela jones'"), "{line}");
    // It is taken as it stands by a shell.
    let shell = format!("{} {command}", env!("CARGO_BIN_EXE_carril"));
    let ended = std::process::Command::new("sh")
        .args(["-c", &shell])
        .current_dir(bench.path(""))
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(bench.warehouse::<i64>("select count(*) from sizes"), 3);
}

#[test]
fn an_entity_that_occurs_twice_ends_with_three_wherever_it_is_found() {
    let bench = with(
        "select name, size, odd from who order by name",
        "select name, size, odd from who union all select 'ada', 1, 1",
    );
    bench
        .run(&["run"])
        .with(3)
        .saying("error[CAR0404]")
        .saying("help: give each key once");
    about(&bench, "plan", &[]).with(3).saying("error[CAR0404]");
    // Another program's engine, which this command asks, gives the same.
    let good = Bench::new(SCHEMA, crate::place::PIPELINE);
    let running = good.start(&["run", "--json", "--set", "hold=ada"]);
    good.until_file("waiting");
    let file = bench.path("pipeline/pipeline.toml");
    fs::copy(file, good.path("pipeline/pipeline.toml")).unwrap();
    good.run(&["run"])
        .with(3)
        .saying("error[CAR0404]")
        .saying("help: give each key once");
    fs::write(good.path("go"), "").unwrap();
    running.end().with(0);
}

#[test]
fn nothing_selected_says_how_to_look() {
    let bench = bench();
    bench
        .run(&["run", "--only", "dora"])
        .with(4)
        .saying("error[CAR0403]")
        .saying("help: `carril plan ")
        .saying("--target warehouse=sqlite:");
}

#[test]
fn a_slip_in_a_targets_name_is_told() {
    let bench = bench();
    about(&bench, "check", &["--target", "warehuose=sqlite:x.db"])
        .with(2)
        .saying("the pipeline has no target `warehuose`")
        .saying("did you mean `warehouse`?");
    let bench = with("target = \"warehouse\"", "target = \"warehuose\"");
    fs::write(
        bench.path("carril.toml"),
        "[targets]\nwarehouse = \"sqlite:warehouse.db\"\n",
    )
    .unwrap();
    let folder = bench.path("pipeline").display().to_string();
    let checked = bench.run(&["check", &folder]).with(3);
    assert!(
        checked.stdout.contains("did you mean `warehouse`?"),
        "{}",
        checked.stdout
    );
}

#[test]
fn what_a_target_lacks_is_told_with_how_to_list_what_it_has() {
    for (replaced, by, code) in [
        ("from who order", "from whom order", "CAR0406"),
        ("from sizes", "from seizes", "CAR0415"),
        (
            "tables = [\"own_rows\", ",
            "tables = [\"own_rose\", \"own_rows\", ",
            "CAR0413",
        ),
    ] {
        let bench = with(replaced, by);
        let told = about(&bench, "check", &[]).with(3).stdout;
        let command = format!("`sqlite3 {} .tables`", bench.path("warehouse.db").display());
        assert!(told.contains(code) && told.contains(&command), "{told}");
    }
    let bench = with(
        "\"select name, size, odd from who order by name\"",
        "\"who.sql\"",
    );
    let told = about(&bench, "check", &[]).with(3).stdout;
    assert!(
        told.contains("CAR0106") && told.contains("`ls .`"),
        "{told}"
    );
}
