//! The same SQL on tables of one's own and on shared ones must come to the same rows, counts and output.
//!
//! Random scripts run as one execution in a file of its own, which is the oracle, and as one of three in shared tables, between
//! scripts of the two others. What the others have must not move.

use super::fixture::*;
use proptest::prelude::*;
use serde_json::Value;

const SHARED: &str = "
    create table s (n integer primary key);
    insert into s values (1), (2), (3), (5), (8);";
const APART: &str = "
    create table t (a int not null, b integer default 7, c text, primary key (a));
    create table w (x integer, y integer default 3, twice as (x * 2));
    create table k (one text, two integer, n integer not null default 1, primary key (one, two)) without rowid;";
const TOGETHER: &str = "
    create table t (a int not null, b integer default 7, c text, execution_id integer not null, primary key (execution_id, a));
    create table w (x integer, execution_id integer not null, y integer default 3, twice as (x * 2));
    create index w_by on w (execution_id);
    create table k (one text, two integer, n integer not null default 1, execution_id integer not null, primary key (execution_id, one, two)) without rowid;";

/// Scripts that say nothing of a column; `X` and `Y` stand for small numbers.
const STATEMENTS: [&str; 24] = [
    "insert or ignore into t values (X, Y, 'z')",
    "insert into t (a, b) values (X, Y), (X + 20, 1) on conflict do nothing",
    "insert into t (a) select n + X from s where n > Y on conflict (a) do update set b = coalesce(t.b, 0) + excluded.a where excluded.a > Y",
    "insert or replace into t (a, b, c) values (X, Y, null)",
    "replace into t select n, X, 'r' || Y from s where n >= X",
    "insert into t (a, c) select max(a) + 1, 'next' from t where true on conflict (a) do nothing",
    "update t set b = b + X where a > Y or b is null",
    "update t set b = (select count(*) from t as u where u.a < t.a)",
    "update t as q set b = s.n, c = 'joined' from s where s.n = q.a and q.a <> X",
    "update or ignore t set a = a + X where a = Y",
    "delete from t where a % (X + 2) = Y",
    "delete from t where b in (select b from t group by b having count(*) > 1) -- duplicates",
    "with big as (select a from t where b > X) delete from t where a in (select a from big)",
    "delete from t",
    "insert into w default values",
    "insert into w select a, b from t where a < Y + 4",
    "insert into w (x) values (X), (Y)",
    "with two (v) as (values (X), (Y)) insert into w (y, x) with three as (select v from two union all select 3) select v, v + 1 from three",
    "update w set x = x + 1, y = null where x <> Y",
    "delete from w where (rowid > 0 and x = (select max(x) from w)) or twice > X * 3",
    "insert into k (one, two) values ('a', X), ('b', Y) on conflict (two, one) do update set n = n + 1",
    "insert into k as h (one, two, n) select c, a, b from t where c is not null and b is not null on conflict do update set n = h.n + excluded.n",
    "update k set n = n * 2 where one in (select one from k order by two limit 1)",
    "select count(*) as rows, sum(b) as b, (select sum(x) from w) as x, (select sum(n) from k) as n from t",
];

fn script(picks: &[(usize, u8, u8)]) -> String {
    let statement = |(pick, x, y): &(usize, u8, u8)| {
        STATEMENTS[*pick]
            .replace('X', &x.to_string())
            .replace('Y', &y.to_string())
    };
    picks.iter().map(statement).collect::<Vec<_>>().join(";\n")
}

const READ: [&str; 3] = [
    "select a, b, c from t WHERE order by a",
    "select x, y, twice from w WHERE order by x, y",
    "select one, two, n from k WHERE order by one, two",
];

fn of(execution: i64) -> Vec<String> {
    let narrowed = format!("where execution_id = {execution}");
    READ.iter()
        .map(|query| query.replace("WHERE", &narrowed))
        .collect()
}

fn all() -> Vec<String> {
    READ.iter()
        .map(|query| query.replace("WHERE", ""))
        .collect()
}

fn told(house: &House, queries: &[String]) -> Vec<Vec<Value>> {
    queries.iter().map(|query| house.rows(query)).collect()
}

async fn compare(scripts: Vec<Vec<(usize, u8, u8)>>) {
    let apart = House::new(&format!("{SHARED}{APART}"));
    let together = House::new(&format!("{SHARED}{TOGETHER}"));
    let names: Vec<String> = (0..scripts.len()).map(|at| format!("s{at}")).collect();
    let texts: Vec<String> = scripts.iter().map(|picks| script(picks)).collect();
    let steps: Vec<(&str, &str)> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let tables = ["t", "w", "k"];
    let own = Pipeline::new(&steps).tables(&tables).plan();
    let by_column = Pipeline::new(&steps)
        .tables(&tables)
        .by_column("execution_id")
        .plan();
    for (at, name) in names.iter().enumerate() {
        // The others run other steps, so that their rows differ.
        for other in [4, 6] {
            let turned = &names[(at + 1) % names.len()];
            let _ = together.run(&by_column, turned, other).await;
        }
        let before = (told(&together, &of(4)), told(&together, &of(6)));
        let expected = apart.run(&own, name, 5).await;
        let found = together.run(&by_column, name, 5).await;
        match (&expected, &found) {
            (Ok(expected), Ok(found)) => {
                assert_eq!(expected.output, found.output, "{}", texts[at]);
                assert_eq!(expected.rows, found.rows, "{}", texts[at]);
            }
            (Err(expected), Err(found)) => {
                assert_eq!(expected.place, found.place, "{expected:?} {found:?}");
            }
            _ => panic!("{}\napart: {expected:?}\ntogether: {found:?}", texts[at]),
        }
        let rows: Vec<Vec<Value>> = all()
            .iter()
            .map(|query| apart.lane_rows(5, 1, query))
            .collect();
        assert_eq!(rows, told(&together, &of(5)), "{}", texts[at]);
        let after = (told(&together, &of(4)), told(&together, &of(6)));
        assert_eq!(before, after, "others' rows moved\n{}", texts[at]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shared_tables_are_like_tables_of_ones_own(
        scripts in prop::collection::vec(
            prop::collection::vec((0..STATEMENTS.len(), 0_u8..6, 0_u8..6), 1..7),
            1..5,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(scripts));
    }
}
