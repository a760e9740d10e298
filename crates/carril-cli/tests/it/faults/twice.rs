//! Every step runs twice: the program is killed right after a step's commit on the target, before the journal knows of it, at
//! each step in turn; then at every other failpoint in turn. The effect is there once, whatever the point.

use super::bench::{Bench, Ended};

const SCHEMA: &str = "
pragma journal_mode = wal;
create table who (name text not null);
insert into who values ('ada'), ('bela');
create table effect (entity text, step text);
create table own_effect (serial integer primary key autoincrement, entity text not null, step text);
create table total (name text not null, rows integer);
";

const PIPELINE: &str = r#"
name = "twice"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[workspace]
tables = ["own_effect", "total"]
publish = [
    { from = "own_effect", into = "own_history", key = ["entity", "serial"], current = "own_current" },
    { from = "total", into = "total_history", key = ["name"], current = "total_current", per = "process" },
]
[[stage]]
name = "first"
parallel = true
  [[stage.step]]
  name = "one"
  sql = "insert into own_effect (entity, step) values (:entity_key, 'one')"
  [[stage.step]]
  name = "two"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, 'two')"
[[stage]]
name = "second"
  [[stage.step]]
  name = "three"
  sql = "insert into own_effect (entity, step) values (:entity_key, 'three')"
[[stage]]
name = "all"
per = "process"
  [[stage.step]]
  name = "four"
  shared_writes = ["effect"]
  sql = "insert into effect values (null, 'four')"
  [[stage.step]]
  name = "five"
  sql = "insert into total select 'rows', count(*) from own_current"
"#;

/// Hits after which a point is left alone, where it is hit more often than that.
const HITS_MAX: u32 = 12;

/// Kills at each hit of a failpoint in turn, each time on a new bench; answers how many hits there were.
#[track_caller]
fn killed_at_each_hit_of(point: &str) -> u32 {
    for hit in 1..=HITS_MAX {
        let bench = Bench::new(SCHEMA, PIPELINE);
        let log = bench.path("reached.log");
        let words = ["run", "--json", "--idempotency-key", "once"];
        let mut command = bench.command(&words);
        command
            .env("CARRIL_KILL_AT", format!("{point}:{hit}"))
            .env("CARRIL_KILL_LOG", &log);
        let first = Ended::from(command.output().unwrap());
        let reached = log.exists();
        assert_eq!(
            first.code.is_none(),
            reached,
            "{point}:{hit}: {}",
            first.stderr
        );
        bench.run(&words).with(0);
        let effects = "select group_concat(step || ' ' || n, ', ') from (select step, count(*) as n from effect group by 1 order by 1)";
        assert_eq!(
            bench.warehouse::<String>(effects),
            "four 1, two 2",
            "{point}:{hit}"
        );
        let own = "select group_concat(step || ' ' || n, ', ') from (select step, count(*) as n from own_history group by 1 order by 1)";
        assert_eq!(
            bench.warehouse::<String>(own),
            "one 2, three 2",
            "{point}:{hit}"
        );
        assert_eq!(
            bench.warehouse::<i64>("select rows from total_current"),
            4,
            "{point}:{hit}"
        );
        assert_eq!(
            bench.store::<i64>("select count(*) from processes"),
            1,
            "{point}:{hit}"
        );
        assert_eq!(
            bench.store::<i64>("select count(*) from executions where state <> 'succeeded'"),
            0,
            "{point}:{hit}"
        );
        assert_eq!(
            bench.lane_files(),
            Vec::<std::path::PathBuf>::new(),
            "{point}:{hit}"
        );
        if !reached {
            return hit - 1;
        }
    }
    HITS_MAX
}

/// Rolls back under a kill at each hit of a failpoint in turn, then again. Answers how many hits there were.
#[track_caller]
fn rolled_back_under_kills_at(point: &str, words: &[&str], undone: &str, shown: i64) -> u32 {
    for hit in 1..=HITS_MAX {
        let bench = Bench::new(SCHEMA, PIPELINE);
        let run = ["run", "--json", "--idempotency-key", "once"];
        bench.run(&run).with(0);
        let log = bench.path("reached.log");
        let mut command = bench.command(words);
        command.env("CARRIL_KILL_AT", format!("{point}:{hit}"));
        command.env("CARRIL_KILL_LOG", &log).output().unwrap();
        // A kill before anything of it was durable leaves nothing to go on with.
        let begun: bool = bench
            .store("select exists (select 1 from execution where rolling_back = 1 or state = 7)");
        // The same command again does what is left, or says that nothing is; stages of the process then run again.
        let again = bench.run(words);
        assert!(
            matches!(again.code, Some(0 | 6)),
            "{point}:{hit}: {}",
            again.stderr
        );
        bench.run(&run).with(0);
        if begun {
            assert_eq!(
                bench.store::<String>(undone),
                "rolled_back",
                "{point}:{hit}"
            );
            let history = "select count(*) from own_history";
            assert_eq!(bench.warehouse::<i64>(history), shown, "{point}:{hit}");
            let total = "select coalesce((select rows from total_current), 0)";
            assert_eq!(bench.warehouse::<i64>(total), shown, "{point}:{hit}");
        }
        assert_eq!(
            bench.lane_files(),
            Vec::<std::path::PathBuf>::new(),
            "{point}:{hit}"
        );
        if !log.exists() {
            return hit - 1;
        }
    }
    HITS_MAX
}

/// Points that a rollback passes.
const OF_A_ROLLBACK: [&str; 7] = [
    "target::rollback::half",
    "engine::rollback::removed",
    "engine::journal::before_commit",
    "engine::journal::after_commit",
    "store::commit::before",
    "store::commit::after",
    "engine::process::before_settle",
];

#[test]
fn a_kill_at_each_point_of_a_rollback_of_one_entity() {
    let words = [
        "rollback",
        "--process",
        "1",
        "--entity",
        "bela",
        "--yes",
        "--json",
    ];
    let undone = "select state from executions where entity_key = 'bela'";
    for point in OF_A_ROLLBACK {
        assert!(
            rolled_back_under_kills_at(point, &words, undone, 2) > 0,
            "{point}"
        );
    }
}

#[test]
fn a_kill_at_each_point_of_a_rollback_of_a_whole_process() {
    let words = ["rollback", "1", "--yes", "--json"];
    let undone = "select state from processes";
    for point in &OF_A_ROLLBACK[..6] {
        assert!(
            rolled_back_under_kills_at(point, &words, undone, 0) > 0,
            "{point}"
        );
    }
}

#[test]
fn a_kill_after_each_commit_of_a_step() {
    assert_eq!(killed_at_each_hit_of("target::sql::after_commit"), 8);
}

#[test]
fn a_kill_before_each_commit_of_a_step() {
    assert_eq!(killed_at_each_hit_of("target::sql::before_commit"), 8);
}

#[test]
fn a_kill_after_each_commit_of_a_publication() {
    assert_eq!(killed_at_each_hit_of("target::publish::after_commit"), 3);
}

#[test]
fn a_kill_before_each_commit_of_a_publication() {
    assert_eq!(killed_at_each_hit_of("target::publish::before_commit"), 3);
}

#[test]
fn a_kill_after_each_workspace_was_made() {
    assert_eq!(killed_at_each_hit_of("target::workspace::made"), 3);
}

#[test]
fn a_kill_around_the_launch() {
    assert_eq!(killed_at_each_hit_of("store::launch::before_open"), 1);
    assert_eq!(killed_at_each_hit_of("store::launch::after"), 1);
}

#[test]
fn a_kill_before_the_process_settles() {
    assert_eq!(killed_at_each_hit_of("engine::process::before_settle"), 1);
}

#[test]
fn a_kill_before_each_commit_of_the_journal() {
    assert!(killed_at_each_hit_of("store::commit::before") > 3);
}

#[test]
fn a_kill_after_each_commit_of_the_journal() {
    assert!(killed_at_each_hit_of("engine::journal::after_commit") > 3);
}
