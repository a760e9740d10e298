//! What the columns of the entities query confirm, and what they contradict.

use super::*;
use crate::load::{Files, Loaded, parse};

const PIPELINE: &str = r#"name = "p"
[params]
day = { type = "date" }
[entities]
target = "warehouse"
key = "id"
sql = "select * from shops"
[[stage]]
name = "s"
when = "entity.active"
  [[stage.step]]
  name = "a"
  sql = "delete from t where shop = :shop and day = :day and id = :entity_key and size = :entity.size and x = :shop"
"#;

struct One;

impl Files for One {
    fn read(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(PIPELINE.to_owned()))
    }
}

fn told(columns: &[&str]) -> Vec<String> {
    let Loaded {
        definition,
        assumed_attributes,
        places,
        findings,
        ..
    } = parse(&One);
    assert_eq!(findings, []);
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let findings = check_attributes(&definition.unwrap(), &places, &assumed_attributes, &columns);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn assumed_attributes_are_told_with_their_first_place() {
    let assumed = parse(&One).assumed_attributes;
    let places: Vec<(String, u32, u32)> = assumed
        .into_iter()
        .map(|attribute| {
            attribute
                .place
                .map(|place| (attribute.name, place.line, place.column))
                .unwrap()
        })
        .collect();
    assert_eq!(
        places,
        [
            ("active".to_owned(), 10, 9),
            ("shop".to_owned(), 13, 37),
            ("size".to_owned(), 13, 90)
        ]
    );
}

#[test]
fn columns_that_fit_are_silent() {
    assert_eq!(
        told(&["id", "shop", "size", "active", "more"]),
        Vec::<String>::new()
    );
}

#[test]
fn what_no_column_gives_is_an_error() {
    let expected = [
        "pipeline.toml:10:9: nothing provides `active`: it is no parameter, and the entities query has no such column [CAR0304]; did you mean `activ`?",
        "pipeline.toml:13:90: nothing provides `size`: it is no parameter, and the entities query has no such column [CAR0304]; there is `activ`, `id`, `shop` or `day`",
    ];
    assert_eq!(told(&["id", "activ", "shop"]), expected);
}

#[test]
fn a_missing_key_and_columns_that_hide_something_are_errors() {
    let expected = [
        "pipeline.toml:6:7: the entities query has no column `id`, which is to be the key [CAR0308]; did you mean `ID`?",
        "pipeline.toml:7:8: the entities query has a column `day`, and a parameter or a value of Carril's own has that name [CAR0308]; give it another name: `day as …`",
        "pipeline.toml:7:8: the entities query has a column `run`, and a parameter or a value of Carril's own has that name [CAR0308]; give it another name: `run as …`",
        "pipeline.toml:7:8: the entities query has a column `shop`, and another column has that name [CAR0308]; give it another name: `shop as …`",
    ];
    assert_eq!(
        told(&["ID", "day", "run", "shop", "shop", "size", "active"]),
        expected
    );
}

#[test]
fn the_key_column_is_an_attribute_too() {
    struct ByName;
    impl Files for ByName {
        fn read(&self, _: &str) -> Result<Option<String>, String> {
            Ok(Some(PIPELINE.replace(":entity_key", ":id")))
        }
    }
    let loaded = parse(&ByName);
    let columns = ["id", "shop", "size", "active"].map(str::to_owned);
    let assumed = &loaded.assumed_attributes;
    assert!(assumed.iter().any(|attribute| attribute.name == "id"));
    let findings = check_attributes(
        &loaded.definition.unwrap(),
        &loaded.places,
        assumed,
        &columns,
    );
    assert_eq!(findings, []);
}
