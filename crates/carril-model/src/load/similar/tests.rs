//! Which slips of the pen are recognised, and which words are too far apart.

use super::*;

#[test]
fn slips_are_recognised_and_other_words_are_not() {
    let known = ["lanes", "name", "params", "entities", "workspace", "per"];
    for (written, meant) in [
        ("lane", Some("lanes")),
        ("nmae", Some("name")),
        ("Params", Some("params")),
        ("entites", Some("entities")),
        ("workspaec", Some("workspace")),
        ("parms", Some("params")),
        ("pre", Some("per")),
        ("timeout", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(written, known), meant, "{written}");
    }
}

#[test]
fn without_a_near_word_the_list_is_told() {
    assert_eq!(
        suggestion("zebra", ["full", "normal"]),
        Some("there is `full` or `normal`".to_owned())
    );
    assert_eq!(
        suggestion("ful", ["full", "normal"]),
        Some("did you mean `full`?".to_owned())
    );
    assert_eq!(suggestion("zebra", []), None);
}
