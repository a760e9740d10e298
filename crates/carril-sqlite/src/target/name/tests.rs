//! Quoting of hostile names and paths.

use super::*;

#[test]
fn quotes_inside_names_are_doubled() {
    assert_eq!(quoted(r#"a"b"#), r#""a""b""#);
    assert_eq!(quoted("x; drop table y"), r#""x; drop table y""#);
    assert_eq!(quoted_list(["a", "b c"]), r#""a", "b c""#);
    assert_eq!(literal("it's"), "'it''s'");
}

#[test]
fn uris_escape_what_would_end_the_path() {
    assert_eq!(
        read_only_uri(Path::new("/data/50% of?#.db")),
        "file:/data/50%25%20of%3F%23.db?mode=ro"
    );
}

#[test]
fn own_tables_are_told_by_their_prefix() {
    assert!(is_engine_table("Carril_Fence"));
    assert!(!is_engine_table("carrilx"));
    assert!(!is_engine_table("ñandú"));
    assert!(is_system_table("sqlite_master"));
    assert!(same("Report_Rows", "report_rows"));
}
