//! The keys of stages and steps, and of the calls that steps make.
//!
//! Only data, as next door.

use super::super::http::{METHODS, RESPONSES};
use super::super::sections::SCOPES;
use super::super::steps::{ACTIONS, BELONGS, EFFECTS, ON_OPEN, OUTPUTS};
use super::{DURATION, NAME, RETRY, TEXTS, WAIT, key, or};
use crate::definition::http::REDIRECTS_MAX;
use crate::schema::{Form, Rule, Table, words};

const TEXTS_BY_NAME: Form = Form::Named("", &Form::Text);
const STATUS: Form = Form::Either(&[
    Form::Integer(200, 599),
    Form::Formed("^([2-5][0-9][0-9]|[2-5]xx)$"),
]);

pub(in crate::load) static STAGE: Table = Table {
    keys: &[
        key("name", NAME, "Its name, once per pipeline."),
        or(
            "per",
            Form::Choice(&words(&SCOPES)),
            "\"entity\"",
            "`entity`: in every lane; `process`: once, when every lane has settled or waits for it.",
        ),
        or(
            "parallel",
            Form::Boolean,
            "false",
            "Steps at once instead of one after the other.",
        ),
        key(
            "when",
            Form::Text,
            "An expression over `entity`, `param`, `steps` and `run`; the stage is skipped where it is false.",
        ),
        key(
            "step",
            Form::List(&Form::Table(&STEP), 1),
            "Its steps, at least one.",
        ),
    ],
    required: &["name", "step"],
    rules: &[],
};

pub(in crate::load) static STEP: Table = Table {
    keys: &[
        key("name", NAME, "Its name, once per stage."),
        key(
            "sql",
            Form::Text,
            "SQL, all in one transaction with the step's own success: the path of a file, or SQL, which has a blank or a line break in it.",
        ),
        key(
            "target",
            Form::Text,
            "Where the SQL runs; the workspace's target, else the entities', where it is left out.",
        ),
        key(
            "command",
            Form::List(&Form::Text, 1),
            "A program and its arguments, without a shell, in the pipeline's folder. `{name}` in an argument is that value.",
        ),
        key(
            "env",
            TEXTS_BY_NAME,
            "The only variables the command gets besides `PATH` and those of Carril; `{name}` is that value.",
        ),
        or(
            "output",
            Form::Choice(&words(&OUTPUTS)),
            "\"none\"",
            "`json` takes the command's whole standard output as one JSON value, the step's output.",
        ),
        key("http", Form::Table(&HTTP), "One HTTP call."),
        key(
            "function",
            Form::Text,
            "A function of a Rust program, by the name under which it is registered.",
        ),
        key("noop", Form::Always(true), "Does nothing, and succeeds."),
        key(
            "wait",
            WAIT,
            "Waits so long after the step is reached: `30m`, `14d`; at most `3660d`.",
        ),
        key(
            "wait_until",
            Form::Text,
            "Waits until the moment that this expression gives as text, with an offset or a zone: `2026-03-01T09:00[Europe/Madrid]`.",
        ),
        key(
            "signal",
            Form::Formed("^[A-Za-z][A-Za-z0-9_.-]{0,63}$"),
            "Waits until a signal of this name comes (`carril signal`); its data is the step's output.",
        ),
        key(
            "approval",
            Form::Text,
            "Waits until somebody answers this question (`carril approve`, `carril reject`); `{name}` is that value.",
        ),
        key(
            "when",
            Form::Text,
            "An expression over `entity`, `param`, `steps` and `run`; the step is skipped where it is false.",
        ),
        or(
            "critical",
            Form::Boolean,
            "true",
            "`false`: a failure is a warning, and the lane goes on.",
        ),
        key(
            "timeout",
            WAIT,
            "The longest run of one attempt, at most `720h`; of a step that waits, the longest wait, which may be days (`14d`).",
        ),
        key(
            "retry",
            Form::Table(&RETRY),
            "How often it is tried, and how long it waits in between; what is left out is as in `[defaults]`.",
        ),
        key(
            "resource",
            Form::Either(&[NAME, Form::List(&NAME, 0)]),
            "Resources whose limits it keeps: a name, or a list of names.",
        ),
        or(
            "on_open",
            Form::Choice(&words(&ON_OPEN)),
            "\"wait\"",
            "What it does while a breaker of its resources is open.",
        ),
        key(
            "fallback",
            Form::Any,
            "Its output when all attempts have failed; the step then succeeds.",
        ),
        key(
            "fallback_step",
            NAME,
            "A step of the same stage that runs instead when all attempts have failed.",
        ),
        or(
            "shared_writes",
            TEXTS,
            "[]",
            "Tables outside the workspace that this step writes although all lanes share them.",
        ),
        or(
            "effects",
            Form::Choice(&words(&EFFECTS)),
            "\"exactly_once\"",
            "`at_least_once` for SQL that commits by itself.",
        ),
    ],
    required: &["name"],
    rules: &[
        Rule::ExactlyOne(&ACTIONS),
        Rule::Belongs(&BELONGS, &ACTIONS),
        Rule::Excludes("fallback", &["fallback_step"]),
        Rule::Without(&["wait_until", "signal", "approval"], "timeout", DURATION),
        Rule::Excludes("wait", &["retry", "resource", "timeout"]),
        Rule::Excludes("wait_until", &["retry", "resource"]),
        Rule::Excludes("signal", &["retry", "resource"]),
        Rule::Excludes("approval", &["retry", "resource"]),
    ],
};

pub(in crate::load) static HTTP: Table = Table {
    keys: &[
        key(
            "method",
            Form::Choice(&words(&METHODS)),
            "What is asked for.",
        ),
        key(
            "url",
            Form::Formed("^[Hh][Tt][Tt][Pp][Ss]?://"),
            "Where: scheme and host written out; `{name}` in path and query is that value, percent-encoded.",
        ),
        key(
            "headers",
            TEXTS_BY_NAME,
            "Headers that are sent: `{name}` is that value, `${secret:NAME}` a secret of carril.toml.",
        ),
        key(
            "json",
            Form::Any,
            "The body as JSON; every text in it is a template, and one that is a single `{name}` becomes that value as it is.",
        ),
        key(
            "body",
            Form::Text,
            "The body as a text; `{name}` is that value.",
        ),
        or(
            "status",
            Form::Either(&[STATUS, Form::List(&STATUS, 1)]),
            "\"2xx\"",
            "Answers that are a success: `200`, `\"2xx\"`, `[\"2xx\", 404]`.",
        ),
        or(
            "redirects",
            Form::Integer(0, REDIRECTS_MAX as i64),
            "0",
            "How many redirects are followed.",
        ),
        or(
            "response",
            Form::Choice(&words(&RESPONSES)),
            "\"auto\"",
            "What the output's `body` is: JSON, text, nothing, or whichever the answer says.",
        ),
        or(
            "keep_headers",
            TEXTS,
            "[]",
            "Headers of the answer that become part of the output.",
        ),
    ],
    required: &["method", "url"],
    rules: &[Rule::Excludes("json", &["body"])],
};
