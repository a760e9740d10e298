//! SQL written in place knows where it is, so that an error in a run names a line that can be opened.

use carril_model::definition::{Action, SqlText};
use carril_model::load::{self, Files};

struct One(String);

impl Files for One {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok((path == load::ENTRY).then(|| self.0.clone()))
    }
}

/// The SQL of a pipeline whose only step has this value.
fn sql(written: &str) -> (String, SqlText) {
    let file = format!(
        "name = \"p\"\n\n[entities]\nlist = [\"a\"]\n\n[[stage]]\nname = \"s\"\n  [[stage.step]]\n  name = \"x\"\n  target = \"w\"\n  sql = {written}\n"
    );
    let loaded = load::parse(&One(file.clone()));
    let definition = loaded
        .definition
        .unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let Action::Sql { sql, .. } = definition.stages[0].steps[0].action.clone() else {
        panic!("it is an SQL step")
    };
    (file, sql)
}

/// What stands in the file where a word of the SQL is said to be.
fn found(file: &str, sql: &SqlText, word: &str) -> String {
    let at = sql.text.find(word).unwrap();
    let place = sql.place(at..at + word.len());
    assert_eq!(place.file, load::ENTRY);
    let line = file.lines().nth(place.line as usize - 1).unwrap();
    line.chars()
        .skip(place.column as usize - 1)
        .take(word.chars().count())
        .collect()
}

#[test]
fn a_word_of_the_sql_is_found_in_the_file() {
    for written in [
        "\"insert into nowhere values (1)\"",
        "'insert into nowhere values (1)'",
        "\"\"\"\n    select 'é';\n    insert into nowhere values (1)\"\"\"",
        "'''select 1;\n  insert into nowhere\nvalues (1)'''",
    ] {
        let (file, sql) = sql(written);
        assert_eq!(found(&file, &sql, "nowhere"), "nowhere", "{written}");
    }
}

#[test]
fn behind_escapes_only_the_beginning_is_known() {
    let (file, sql) = sql(r#""select 1;\n\n insert into \"nowhere\" values (1)""#);
    let at = sql.text.find("nowhere").unwrap();
    let place = sql.place(at..at + 7);
    let line = file.lines().nth(place.line as usize - 1).unwrap();
    assert!(line.contains("sql = "), "{line}");
    assert_eq!(&line[place.column as usize - 1..][..1], "\"");
}
