//! Which table a wait is about.

use super::*;

fn wait(kind: &str, tables: &[&str], shared: &[&str]) -> Wait {
    let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Wait {
        blockers: vec![1],
        kind: kind.to_owned(),
        mode: "ShareLock".to_owned(),
        waited_micros: Some(1),
        tables: owned(tables),
        shared: owned(shared),
    }
}

#[test]
fn the_table_that_is_locked_comes_first_then_what_both_have_written_then_the_words() {
    let words = ["b".to_owned(), "Sales.C".to_owned()];
    let table = |wait: Wait| wait.table(&words);
    assert_eq!(table(wait("relation", &["a"], &["b"])).unwrap(), "a");
    assert_eq!(table(wait("transactionid", &[], &["a", "b"])).unwrap(), "b");
    assert_eq!(
        table(wait("transactionid", &[], &["a", "sales.c"])).unwrap(),
        "sales.c"
    );
    assert_eq!(table(wait("transactionid", &[], &["x", "y"])).unwrap(), "x");
    assert_eq!(table(wait("transactionid", &[], &[])).unwrap(), "b");
    assert_eq!(table(wait("advisory", &[], &[])), None);
}
