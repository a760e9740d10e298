//! Names are those of the old system, whoever writes them how.

use super::{attribute, column};
use serde_json::{Map, Value, json};

#[test]
fn a_stage_has_the_column_that_it_had() {
    for (stage, is_imported, expected) in [
        ("ipa", false, "Estado_Process_IPA"),
        ("process_ipa", true, "Estado_Process_IPA"),
        ("process_derivados", true, "Estado_Process_Derivados"),
        ("extract", false, "Estado_Process_Extract"),
        ("cubo", true, "Estado_Cubo"),
        ("process_", false, "Estado_Process_"),
    ] {
        assert_eq!(column(stage, is_imported), expected, "{stage}");
    }
}

#[test]
fn an_attribute_is_found_however_it_is_written() {
    let of = |value: Value| -> Map<String, Value> { value.as_object().cloned().unwrap() };
    let written = of(json!({"size": 1, "fund_short_name": "MERLC", "Portfolio_Geneva": null}));
    assert_eq!(attribute(&written, "FundShortName"), Some(&json!("MERLC")));
    assert_eq!(
        attribute(&written, "Portfolio_Geneva"),
        None,
        "null is none"
    );
    assert_eq!(attribute(&written, "Portfolio_UBS"), None);
}
