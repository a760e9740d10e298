//! The program is killed while executions are parked and their time has come: before they are woken, and when that is durable and
//! no lane has them yet. The next one wakes or claims them, and what they did before and after is there once.

use super::bench::{Bench, Ended};

const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela');
create table effect (entity text, step text);
";

const PIPELINE: &str = r#"
name = "parked"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[[stage]]
name = "work"
  [[stage.step]]
  name = "before"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, 'before')"
  [[stage.step]]
  name = "rest"
  wait = "1200ms"
  [[stage.step]]
  name = "after"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, 'after')"
"#;

/// Hits after which a point is left alone: both are due at nearly the same time.
const HITS_MAX: u32 = 3;

/// Kills at each hit of a failpoint in turn; answers how many hits there were.
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
        let afters = "select count(*) from effect where step = 'after'";
        if reached && hit == 1 {
            assert_eq!(bench.warehouse::<i64>(afters), 0, "nobody was awake");
        }
        bench.run(&words).with(0);
        let effects = "select group_concat(entity || ' ' || step || ' ' || n, ', ') from
            (select entity, step, count(*) as n from effect group by 1, 2 order by 1, 2)";
        assert_eq!(
            bench.warehouse::<String>(effects),
            "ada after 1, ada before 1, bela after 1, bela before 1",
            "{point}:{hit}"
        );
        let waited = "select count(*) from executions e, json_each(e.account) j where j.key = 'timer' and j.value >= 1100000";
        assert_eq!(
            bench.store::<i64>(waited),
            2,
            "{point}:{hit}: the wait is told"
        );
        let drift =
            "select sum(d) from (select sum(j.value) - (e.ended_at_us - e.launched_at_us) as d
            from executions e, json_each(e.account) j group by e.execution_id)";
        assert_eq!(
            bench.store::<i64>(drift),
            0,
            "{point}:{hit}: the account adds up"
        );
        assert_eq!(
            bench.store::<i64>("select waiting from processes"),
            0,
            "{point}:{hit}"
        );
        if !reached {
            return hit - 1;
        }
    }
    HITS_MAX
}

#[test]
fn a_kill_when_somebody_is_due_and_before_he_is_woken() {
    assert!(killed_at_each_hit_of("engine::waker::due") > 0);
}

#[test]
fn a_kill_when_somebody_is_woken_and_before_he_has_a_lane() {
    assert!(killed_at_each_hit_of("engine::waker::woken") > 0);
}
