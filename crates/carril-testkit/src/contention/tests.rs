//! The input is the same every time, the oracle notices every difference, and the SQL is numbered as its names say.

use super::feed::Delivery;
use super::{
    Final, PASSAGE, Size, Value, expected, portfolio, statements, tables_input, write, wrong,
};

const SMALL: Size = Size {
    tenants: 6,
    instruments: 8,
    lots: 3,
};

#[test]
fn the_same_numbers_give_the_same_input() {
    assert_eq!(Delivery::of(SMALL, 2, 3), Delivery::of(SMALL, 2, 3));
    assert_ne!(Delivery::of(SMALL, 2, 3), Delivery::of(SMALL, 3, 2));
    assert_eq!(expected(SMALL, 1), expected(SMALL, 1));
    assert_ne!(expected(SMALL, 1), expected(SMALL, 2));
}

#[test]
fn deliveries_are_in_no_order() {
    let size = Size {
        instruments: 200,
        ..SMALL
    };
    let delivery = Delivery::of(size, 1, 1);
    assert!(
        !delivery
            .holdings
            .is_sorted_by_key(|holding| holding.instrument)
    );
    assert!(
        !delivery
            .lots
            .is_sorted_by_key(|lot| (lot.instrument, lot.lot))
    );
}

#[test]
fn tenants_share_portfolios() {
    let portfolios: Vec<String> = (1..=6).map(|tenant| portfolio(SMALL, tenant)).collect();
    assert_eq!(portfolios, ["P001", "P002", "P001", "P002", "P001", "P002"]);
}

/// Every holding has a lot, and the input has a row for each row that is expected.
#[test]
fn input_and_oracle_have_as_many_rows() {
    for round in 1..=3 {
        let input = tables_input(SMALL, round).concat();
        let given = input.lines().filter(|line| line.starts_with('(')).count();
        assert_eq!(expected(SMALL, round).lines().count(), given);
    }
}

#[test]
fn whatever_differs_is_wrong() {
    let right = expected(SMALL, 1);
    let lines: Vec<&str> = right.lines().collect();
    assert!(wrong(&right, &Final::read(lines.iter().copied())).is_empty());
    // A row that is missing, one that is too much, and one with another amount.
    assert_eq!(
        wrong(&right, &Final::read(lines[1..].iter().copied())),
        [1].into()
    );
    let more = lines.iter().copied().chain(["4|I00001|#9|1"]);
    assert_eq!(wrong(&right, &Final::read(more)), [4].into());
    let changed = format!("{}0", lines[0]);
    let other = lines[1..].iter().copied().chain([changed.as_str()]);
    assert_eq!(wrong(&right, &Final::read(other)), [1].into());
    assert_eq!(wrong(&right, &Final::read([])).len(), 6);
    let odd = lines.iter().copied().chain(["what?"]);
    assert_eq!(wrong(&right, &Final::read(odd)), [0].into());
}

#[test]
fn names_become_numbers() {
    let found = statements(
        "-- why\ndelete from a where b = :execution_id and t = :tenant;\n\nselect :tenant, :tenant;\n",
    );
    let told: Vec<(&str, &[Value])> = found
        .iter()
        .map(|statement| (statement.text.as_str(), statement.values.as_slice()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "delete from a where b = $1 and t = $2",
                [Value::Batch, Value::Tenant].as_slice()
            ),
            ("select $1, $1", [Value::Tenant].as_slice()),
        ]
    );
    for (path, text) in PASSAGE {
        let left = statements(text)
            .iter()
            .any(|statement| statement.text.contains(':'));
        assert!(!left, "{path} has a name that is not known");
    }
}

#[test]
fn other_tools_get_it_as_files() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), SMALL, 2).expect("it is written");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it is there");
    let expected_rows = read("expected-2.txt");
    let found = Final::read(expected_rows.lines());
    assert!(wrong(&expected(SMALL, 2), &found).is_empty());
    let given = read("input.sql")
        .lines()
        .filter(|line| line.starts_with('('))
        .count();
    let rows = expected(SMALL, 1).lines().count() + expected_rows.lines().count();
    assert_eq!(given, 6 + rows);
    for name in ["tables.sql", "read.sql", "pipeline.toml", "sql/final.sql"] {
        assert!(!read(name).is_empty());
    }
}
