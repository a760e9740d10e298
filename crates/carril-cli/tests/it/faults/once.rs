//! Every step fails once: of each kind, at its first try, after its effect. Nothing of the first try may stay.

use super::bench::Bench;

/// `carril_fence` is Carril's own table; SQL may read it. A first try has no row in it, a second try has an open one, so a
/// statement that needs the row fails exactly once.
const SCHEMA: &str = "
pragma journal_mode = wal;
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo'), ('dora');
create table effect (entity text, step text);
create table trial (held integer not null);
create table own_trial (held integer not null);
create table own_effect (serial integer primary key autoincrement, entity text not null, step text);
create table carril_fence (
    execution_id integer not null, run integer not null, step integer not null, part text not null, fence integer not null,
    done_fence integer, outcome text, done_at integer, primary key (execution_id, run, step, part)
) without rowid;
";

const PIPELINE: &str = r#"
name = "once"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"

[workspace]
tables = ["own_effect", "own_trial"]
publish = [{ from = "own_effect", into = "own_history", key = ["entity", "serial"], current = "own_current" }]

[defaults]
retry = { attempts = 2, backoff = "1ms..2ms", on = "any" }

[[stage]]
name = "own"
  [[stage.step]]
  name = "sql"
  sql = """
insert into own_effect (entity, step) values (:entity_key, 'own/sql');
insert into own_trial (held) values ((select 1 from carril_fence where execution_id = :execution_id and run = :run and done_fence is null));
"""

[[stage]]
name = "shared"
  [[stage.step]]
  name = "sql"
  shared_writes = ["effect", "trial"]
  sql = """
insert into effect (entity, step) values (:entity_key, 'shared/sql');
insert into trial (held) values ((select 1 from carril_fence where execution_id = :execution_id and run = :run and done_fence is null));
"""
  [[stage.step]]
  name = "command"
  command = ["sh", "-c", "test $CARRIL_ATTEMPT != 1 || exit 75"]
  retry = { attempts = 2, backoff = "1ms..2ms", on = "transient" }

[[stage]]
name = "all"
per = "process"
  [[stage.step]]
  name = "sql"
  shared_writes = ["effect", "trial"]
  sql = """
insert into effect (entity, step) select null, 'all/sql' where (select count(*) from own_current) = 4;
insert into trial (held) values ((select 1 from carril_fence where execution_id = :execution_id and run = :run and done_fence is null));
"""
"#;

#[test]
fn every_step_fails_once_and_is_done_once() {
    let bench = Bench::new(SCHEMA, PIPELINE);
    bench.run(&["run", "--json"]).with(0);
    // Three steps of four lanes and one of the process: a failed try, then a good one.
    let tries = "select group_concat(attempt || ' ' || state || ' ' || n, ', ') from (
        select attempt, state, count(*) as n from steps where step in ('sql', 'command') group by 1, 2 order by 1, 2)";
    assert_eq!(bench.store::<String>(tries), "1 failed 13, 2 succeeded 13");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect where step = 'shared/sql'"),
        4
    );
    assert_eq!(
        bench.warehouse::<i64>(
            "select count(distinct entity) from effect where step = 'shared/sql'"
        ),
        4
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect where step = 'all/sql'"),
        1
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from own_history"),
        4
    );
    assert_eq!(bench.lane_files(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_step_that_may_not_be_tried_again_fails_its_lane_and_no_other() {
    let pipeline = PIPELINE.replacen("attempts = 2", "attempts = 1", 1);
    let bench = Bench::new(SCHEMA, &pipeline);
    let ended = bench.run(&["run", "--json"]).with(5).json();
    // The process's own step fails at its first try, too, and that decides.
    assert_eq!(ended["process"]["state"], "failed");
    assert_eq!(ended["process"]["entities"]["failed"], 4);
    assert_eq!(ended["failures"][0]["step"], "own/sql");
    assert_eq!(ended["failures"][0]["code"], "CAR0501");
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from effect where entity is not null"),
        0
    );
}
