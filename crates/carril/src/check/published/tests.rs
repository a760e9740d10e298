//! Stand-ins go in front, and nothing of them comes out again.

use super::*;
use carril_model::contract::Access;
use carril_model::definition::Scope;

fn entry() -> Publish {
    let text = str::to_owned;
    Publish {
        from: text("rows"),
        into: text("history"),
        key: vec![text("id")],
        current: Some(text("now")),
        per: Scope::Entity,
    }
}

fn access(table: &str, offset: usize) -> Access {
    Access {
        table: table.to_owned(),
        writes: true,
        own: true,
        through: None,
        offset,
    }
}

#[test]
fn only_what_is_missing_gets_a_stand_in() {
    let text = |has_table, has_view| {
        let mut prelude = Prelude::default();
        prelude.add(&entry(), has_table, has_view);
        prelude
            .before(&SqlText {
                file: String::new(),
                text: "select 1".to_owned(),
            })
            .text
    };
    let table = "create table \"history\" as select 0 as execution_id, 0 as published_at, * from \"rows\"; ";
    let view = "create view \"now\" as select * from \"history\"; ";
    assert_eq!(text(true, true), "select 1");
    assert_eq!(text(false, true), format!("{table}select 1"));
    assert_eq!(text(false, false), format!("{table}{view}select 1"));
}

#[test]
fn places_are_those_of_the_steps_own_sql_and_stand_ins_are_shared() {
    let mut prelude = Prelude::default();
    prelude.add(&entry(), false, false);
    let start = prelude.text.len();
    let inspection = Inspection {
        accesses: vec![
            access("history", 0),
            access("rows", start + 3),
            access("HISTORY", start + 9),
        ],
        not_seen: vec![
            (start - 1, "before".to_owned()),
            (start + 2, "own".to_owned()),
        ],
        columns: vec!["id".to_owned()],
    };
    let inspection = prelude.taken_out(inspection);
    assert_eq!(
        inspection.accesses,
        [
            access("rows", 3),
            Access {
                own: false,
                ..access("HISTORY", 9)
            }
        ]
    );
    assert_eq!(inspection.not_seen, [(2, "own".to_owned())]);
    assert_eq!(inspection.columns, ["id"]);
    let error = prelude.shifted(TargetError::Sql {
        message: "no".to_owned(),
        offset: Some(start + 5),
    });
    assert_eq!(
        error,
        TargetError::Sql {
            message: "no".to_owned(),
            offset: Some(5)
        }
    );
}
