//! Tables of cases for splitting, placeholders and the guess at written tables; then hostile text.

use super::*;
use proptest::prelude::*;

fn script(text: &str) -> Script {
    Script::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn statements(text: &str) -> Vec<String> {
    script(text)
        .statements()
        .iter()
        .map(|statement| text[statement.range.clone()].to_owned())
        .collect()
}

fn names(text: &str) -> Vec<String> {
    script(text)
        .placeholders()
        .iter()
        .map(|placeholder| placeholder.name.clone())
        .collect()
}

fn written(text: &str) -> Vec<String> {
    let script = script(text);
    let tables = script
        .statements()
        .iter()
        .flat_map(|statement| script.written_tables(statement));
    tables.map(|table| table.table).collect()
}

#[test]
fn statements_end_at_semicolons_only() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (" ;; -- nothing\n /* here */ ;", &[]),
        ("select 1", &["select 1"]),
        (
            "-- first\nselect 1 ; select 2;\n-- last",
            &["select 1", "select 2"],
        ),
        (
            "select ';' , \";\" , [a;b] , `;` from t; select 2",
            &["select ';' , \";\" , [a;b] , `;` from t", "select 2"],
        ),
        (
            "select $body$ a; b $body$; select $$;$$",
            &["select $body$ a; b $body$", "select $$;$$"],
        ),
        (
            "select 1 /* ; */ + 2; select 3 -- ;",
            &["select 1 /* ; */ + 2", "select 3"],
        ),
        (
            "select 'it''s;'; select e'it\\';s'",
            &["select 'it''s;'", "select e'it\\';s'"],
        ),
        (
            "select case when a then b else c end; select 2",
            &["select case when a then b else c end", "select 2"],
        ),
        (
            "create trigger t after insert on a begin insert into b values (1); select case x when 1 then 2 end; end; select 3",
            &[
                "create trigger t after insert on a begin insert into b values (1); select case x when 1 then 2 end; end",
                "select 3",
            ],
        ),
        (
            "create temp trigger t after update on a begin update b set \"end\" = begin, end = 1; end; select 3",
            &[
                "create temp trigger t after update on a begin update b set \"end\" = begin, end = 1; end",
                "select 3",
            ],
        ),
        (
            "create trigger t after insert on a execute function f(); select 1",
            &[
                "create trigger t after insert on a execute function f()",
                "select 1",
            ],
        ),
        (
            "create table begin_end (begin int, end int); select 1",
            &["create table begin_end (begin int, end int)", "select 1"],
        ),
        (
            "create procedure p as begin if 1 = 1 begin select 1; end; select 2; end; select 3",
            &[
                "create procedure p as begin if 1 = 1 begin select 1; end",
                "select 2",
                "end",
                "select 3",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(&statements(text), expected, "{text}");
    }
}

#[test]
fn placeholders_are_found_outside_strings_comments_and_casts() {
    let cases: &[(&str, &[&str])] = &[
        ("select :report_date", &["report_date"]),
        (
            "select :steps.ipa.rows + :param.x, :entity.x",
            &["steps.ipa.rows", "param.x", "entity.x"],
        ),
        (
            "select ':no', \":no\", [:no], `:no`, $$ :no $$, $b$ :no $b$, N':no', e'\\':no'",
            &[],
        ),
        ("select 1 -- :no\n, :yes /* :no */", &["yes"]),
        ("select a::text, :b::date", &["b"]),
        ("select :a||:b,(:c)", &["a", "b", "c"]),
        (
            "select list[:a], list[1:2], (x)[:b], \"l\"[:c]",
            &["a", "b", "c"],
        ),
        ("select :a.b. , :c.1, :d . e, : f, :1", &["a.b", "c", "d"]),
        ("select :a, :a", &["a", "a"]),
        ("select :año, :_x, :select", &["año", "_x", "select"]),
        ("select x := 1, :'text', :\"name\"", &[]),
        ("\r\nselect\r\n:a,\r\n'é', :b", &["a", "b"]),
    ];
    for (text, expected) in cases {
        assert_eq!(&names(text), expected, "{text}");
        for placeholder in script(text).placeholders() {
            assert_eq!(
                text[placeholder.range.clone()],
                format!(":{}", placeholder.name),
                "{text}"
            );
        }
    }
}

#[test]
fn sqlite_gets_names_without_dots_at_the_same_places() {
    let text = "select 'a.b', :steps.ipa.rows, t.c, :entity.é where x = :x -- :a.b";
    let script = script(text);
    assert_eq!(
        script.sqlite_text(),
        "select 'a.b', :steps_ipa_rows, t.c, :entity_é where x = :x -- :a.b"
    );
    assert_eq!(script.parameter(":steps_ipa_rows"), Some("steps.ipa.rows"));
    assert_eq!(script.parameter("x"), Some("x"));
    assert_eq!(script.parameter(":a_b"), None);
    let error = Script::parse("select :entity_key, :entity.key").unwrap_err();
    assert_eq!(error.offset, 20);
    assert!(
        error
            .message
            .contains("`:entity.key` and `:entity_key` cannot be told apart"),
        "{error}"
    );
}

#[test]
fn placeholders_that_are_numbers_are_told() {
    assert_eq!(script("select a, $1").numbered_placeholder(), Some(10));
    for text in [
        "select :a, '$1', \"$1\", $$ $1 $$, $t$ $1 $t$, a$1 from t -- $1",
        "select 1",
    ] {
        assert_eq!(script(text).numbered_placeholder(), None, "{text}");
    }
}

#[test]
fn what_does_not_end_is_an_error_with_its_place() {
    for (text, offset) in [
        ("select 'abc", 7),
        ("select 1; /* abc", 10),
        ("é \"abc", 3),
        ("select [abc", 7),
        ("select $x$ abc", 7),
    ] {
        let error = Script::parse(text).unwrap_err();
        assert!(
            error.offset >= offset && error.offset <= text.len(),
            "{text}: {error:?}"
        );
        assert!(error.message.starts_with(char::is_lowercase), "{error:?}");
    }
}

#[test]
fn transactions_are_not_the_step_s_business() {
    let cases: &[(&str, &[&str])] = &[
        ("begin; select 1; commit", &["BEGIN", "COMMIT"]),
        (
            "select 1; -- then\n Savepoint a; release a; rollback",
            &["SAVEPOINT", "RELEASE", "ROLLBACK"],
        ),
        (
            "attach 'x' as y; detach y; pragma user_version; vacuum; end",
            &["ATTACH", "DETACH", "PRAGMA", "VACUUM", "END"],
        ),
        (
            "create trigger t after insert on a begin select 1; end",
            &[],
        ),
        ("select case when 1 then 2\nend; select 1 as begin", &[]),
        ("insert or rollback into t values ('commit')", &[]),
    ];
    for (text, expected) in cases {
        let found: Vec<String> = script(text)
            .transaction_control()
            .map(|statement| statement.first_word.clone())
            .collect();
        assert_eq!(&found, expected, "{text}");
    }
}

#[test]
fn written_tables_are_guessed_from_words() {
    let cases: &[(&str, &[&str])] = &[
        ("select * from a join b", &[]),
        ("insert into a select * from b", &["a"]),
        ("insert or replace into a values (1)", &["a"]),
        ("replace into a values (1)", &["a"]),
        (
            "insert into a (x) values (1) on conflict (x) do update set x = 2",
            &["a"],
        ),
        ("update a set x = 1 from b", &["a"]),
        ("update or ignore a set x = 1", &["a"]),
        ("update only \"My Table\" set x = 1", &["My Table"]),
        (
            "delete from main.a where x in (select y from b)",
            &["main.a"],
        ),
        ("delete a where x = 1", &["a"]),
        (
            "with gone as (delete from a returning *), more as (insert into b select * from gone) update c set x = 1",
            &["a", "b", "c"],
        ),
        (
            "merge into a using b on a.x = b.x when matched then update set y = 1 when not matched then insert values (1)",
            &["a"],
        ),
        (
            "merge a using b on a.x = b.x when matched then delete",
            &["a"],
        ),
        ("select * into a from b for update", &["a"]),
        (
            "create table if not exists a (x int references b on delete cascade on update cascade)",
            &["a"],
        ),
        ("create temp table a as select 1", &[]),
        (
            "insert into #a select 1; insert into temp.b select 1; select 1 into @c",
            &[],
        ),
        ("create unique index i on a (x)", &["a"]),
        ("drop table if exists a, b", &["a", "b"]),
        ("truncate table a, [b c]", &["a", "b c"]),
        ("truncate a", &["a"]),
        ("alter table a add x int", &["a"]),
        ("copy a from stdin", &["a"]),
        ("copy a to stdout", &[]),
        (
            "create trigger t after insert or update on a begin update b set x = 1; delete from c; end",
            &["a", "b", "c"],
        ),
        ("select 'insert into a' -- insert into b", &[]),
        ("select replace(x, 'a', 'b'), update_time from t", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(&written(text), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_seen_is_told() {
    for (text, word) in [
        ("call p(1)", Some("call")),
        ("EXEC p", Some("EXEC")),
        ("insert into a exec p", Some("exec")),
        ("do $$ begin end $$", Some("do")),
        (
            "create trigger t after insert on a execute function f()",
            Some("execute"),
        ),
        ("insert into a select 1 on conflict do nothing", None),
        ("select execute from t", None),
    ] {
        let script = script(text);
        assert_eq!(script.dynamic_word(&script.statements()[0]), word, "{text}");
    }
}

/// Text that a value, a comment or a quoted name may hold, made of what usually breaks out of it.
fn hostile() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "'",
        "\"",
        ";",
        "--",
        "/*",
        "*/",
        ":name",
        "$$",
        "$x$",
        "[",
        "]",
        "`",
        "\\",
        "\n",
        "\r",
        "é",
        "drop table t",
        " ",
        "::",
        "end",
        "begin",
        "\u{0}",
    ];
    prop::collection::vec(prop::sample::select(PARTS), 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics_and_offsets_hold(text in prop_oneof![hostile(), any::<String>()]) {
        match Script::parse(&text) {
            Err(error) => prop_assert!(error.offset <= text.len()),
            Ok(script) => {
                prop_assert_eq!(script.sqlite_text().len(), text.len());
                let mut end = 0;
                for statement in script.statements() {
                    prop_assert!(statement.range.start >= end && text.get(statement.range.clone()).is_some());
                    end = statement.range.end;
                    for table in script.written_tables(statement) {
                        prop_assert!(statement.range.contains(&table.offset));
                    }
                }
                for placeholder in script.placeholders() {
                    let written = format!(":{}", placeholder.name);
                    prop_assert_eq!(text.get(placeholder.range.clone()), Some(written.as_str()));
                }
            }
        }
    }

    #[test]
    fn nothing_gets_out_of_a_string(inside in hostile()) {
        let text = format!("select '{}' ; select :a", inside.replace('\'', "''"));
        prop_assert_eq!(statements(&text).len(), 2);
        prop_assert_eq!(names(&text), ["a"]);
    }

    #[test]
    fn nothing_gets_out_of_a_comment(inside in hostile()) {
        let block = format!("select 1 /*{}*/ ; select :a", inside.replace("*/", "").replace('*', ""));
        prop_assert_eq!(names(&block), ["a"]);
        let line = format!("select 1 --{}\n ; select :a", inside.replace('\n', ""));
        prop_assert_eq!(statements(&line).len(), 2);
        prop_assert_eq!(names(&line), ["a"]);
    }

    #[test]
    fn nothing_gets_out_of_a_quoted_name(inside in hostile()) {
        let text = format!("select 1 as \"{}\" ; select :a", inside.replace('"', "\"\""));
        prop_assert_eq!(statements(&text).len(), 2);
        prop_assert_eq!(names(&text), ["a"]);
    }

    #[test]
    fn nothing_gets_out_of_a_dollar_quote(inside in hostile()) {
        let text = format!("select $carril${inside}$carril$ ; select :a");
        prop_assert_eq!(statements(&text).len(), 2);
        prop_assert_eq!(names(&text), ["a"]);
    }
}
