//! Names that mean to be more than names.

use super::*;

#[test]
fn hostile_names_stay_names() {
    assert_eq!(
        quoted(r#"a"; drop table x --"#),
        r#""a""; drop table x --""#
    );
    assert_eq!(in_schema("s", "t"), r#""s"."t""#);
    assert_eq!(quoted_list(["a", "b\"c"]), r#""a", "b""c""#);
    assert_eq!(literal("it's"), "'it''s'");
    assert_eq!(literal(r"back\'slash"), r"E'back\\''slash'");
    assert!(same("Work", "wORK") && same("ÄPFEL", "äpfel") && !same("work", "works"));
}

#[test]
fn a_workspace_has_its_run_in_its_name() {
    let lane = LaneKey {
        process: ProcessId(7),
        execution: ExecutionId(12),
        run: Run(2),
    };
    assert_eq!(lane.schema(), "carril_p7_e12_r2");
    let longest = LaneKey {
        process: ProcessId(1 << 53),
        execution: ExecutionId(1 << 53),
        run: Run(u32::MAX),
    };
    assert!(longest.schema().len() < 64, "the server would cut it");
    assert_eq!(execution_pattern(ExecutionId(1)), "carril/1/%");
}
