//! Statements as people write them, and what their parts are.

use super::super::Script;
use super::{RowChange, Verb};

fn change(text: &str) -> Option<RowChange> {
    let script = Script::parse(text).expect("it can be taken apart");
    script.row_change(&script.statements()[0])
}

/// The parts as text: table, columns, rows, conflicts, condition.
fn parts(text: &str) -> String {
    let Some(change) = change(text) else {
        return "none".to_owned();
    };
    let cut = |range: &std::ops::Range<usize>| text[range.clone()].to_owned();
    let list = |list: &super::NameList| match &list.names {
        Some(names) => format!("({})", names.join(" ")),
        None => "(?)".to_owned(),
    };
    let mut told = vec![format!("{:?} {}", change.verb, change.table)];
    told.extend(change.schema.iter().map(|schema| format!("in {schema}")));
    told.extend(
        change
            .alias
            .iter()
            .map(|alias| format!("as {}", cut(alias))),
    );
    told.extend(change.columns.iter().map(list));
    told.extend(
        change
            .rows
            .iter()
            .map(|rows| format!("rows <{}>", cut(rows))),
    );
    told.extend(change.default_values.iter().map(|_| "defaults".to_owned()));
    told.extend(
        change
            .conflicts
            .iter()
            .map(|names| format!("on {}", list(names))),
    );
    if let Some(condition) = &change.condition {
        told.push(format!("where <{}>", cut(condition)));
    }
    if change.verb != Verb::Insert {
        told.push(format!("rest <{}>", &text[change.end..]));
    }
    told.join(", ")
}

#[test]
fn inserts_are_taken_apart() {
    let cases = [
        (
            "insert into t values (1, 'a;b')",
            "Insert t, rows <values (1, 'a;b')>",
        ),
        (
            "insert into t (a, \"b c\") select 1, 2 -- end",
            "Insert t, (a b c), rows <select 1, 2>",
        ),
        (
            "insert or ignore into main.[t] as x (a) values (1)",
            "Insert t, in main, as x, (a), rows <values (1)>",
        ),
        (
            "replace into t select * from s where a in (select b from t)",
            "Insert t, rows <select * from s where a in (select b from t)>",
        ),
        (
            "insert into t (a) default values returning a",
            "Insert t, (a), defaults",
        ),
        (
            "insert into t (a, b) select a, b from s join u on conflict = 1 where true on conflict (a) do update set b = excluded.b where t.b < 3 returning *",
            "Insert t, (a b), rows <select a, b from s join u on conflict = 1 where true>, on (a)",
        ),
        (
            "insert into t values (1) on conflict (lower(a)) do nothing on conflict (b, c) do nothing on conflict do nothing",
            "Insert t, rows <values (1)>, on (?), on (b c)",
        ),
        (
            "with u as (select 1 as a), v(b) as (values (2)) insert into t select a from u, v",
            "Insert t, rows <select a from u, v>",
        ),
    ];
    for (text, told) in cases {
        assert_eq!(parts(text), told, "{text}");
    }
}

#[test]
fn updates_and_deletes_are_taken_apart() {
    let cases = [
        ("update t set a = 1", "Update t, rest <>"),
        (
            "update or replace t as x set a = (select max(a) from t where a < x.a) where x.b = 2 or c /* why */ returning a",
            "Update t, as x, where <x.b = 2 or c>, rest < /* why */ returning a>",
        ),
        (
            "update t set a = s.a from s where s.id = t.id",
            "Update t, where <s.id = t.id>, rest <>",
        ),
        ("delete from t", "Delete t, rest <>"),
        (
            "delete from t returning id",
            "Delete t, rest < returning id>",
        ),
        (
            "with old as (select id from t where a = 1) delete from t where id in (select id from old) order by a limit 2",
            "Delete t, where <id in (select id from old)>, rest < order by a limit 2>",
        ),
    ];
    for (text, told) in cases {
        assert_eq!(parts(text), told, "{text}");
    }
}

#[test]
fn what_changes_no_rows_is_left_alone() {
    for text in [
        "select * from t",
        "with u as (select 1) select * from u",
        "create table t (a)",
        "drop table t",
        "explain insert into t values (1)",
        "insert t values (1)",
        "delete",
    ] {
        assert_eq!(parts(text), "none", "{text}");
    }
}

#[test]
fn names_are_told_without_placeholders() {
    let script = Script::parse(
        "select execution_id, \"a b\" from main . t where x = :execution_id and y = :steps.t.n",
    )
    .expect("it can be taken apart");
    let names: Vec<&str> = script.names().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "select",
            "execution_id",
            "a b",
            "from",
            "main",
            "t",
            "where",
            "x",
            "and",
            "y"
        ]
    );
    let within: Vec<(&str, usize)> = script.names_in("MAIN").collect();
    assert_eq!(within, [("t", 32)]);
}
