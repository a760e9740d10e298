//! Only the comment at the top goes.

use super::statement;

#[test]
fn only_the_opening_comment_is_left_out() {
    assert_eq!(
        statement("-- why\n-- ?1 id.\nSELECT 1 -- one\n;\n"),
        "SELECT 1 -- one\n;\n"
    );
    assert_eq!(statement("SELECT 1;"), "SELECT 1;");
    assert_eq!(statement("-- nothing\n"), "");
}
