//! The keys of a `pipeline.toml`: what the reader knows, and what its JSON Schema says of them.
//!
//! One source for both: the reader refuses what is not here, and [`crate::load::schema`] shows all that is. What a key means
//! at length is in `docs/reference/pipeline.md`. Only data; stages and steps are in [`steps`].

mod steps;

pub(in crate::load) use steps::{HTTP, STAGE, STEP};

use super::sections::{ISOLATIONS, KEEPS, KINDS, OVERLAPS, RETRIED, SCOPES, SYNCHRONOUS};
use crate::definition::{
    ATTEMPTS_MAX, AUTO, BREAKER_COUNT_MAX, LANES_MAX, PRIORITY_MAX, PRIORITY_MIN, RATE_MAX,
};
use crate::schema::{Form, Key, Rule, Table, words};

/// A name of a pipeline, a stage, a step or a resource.
const NAME: Form = Form::Formed("^[A-Za-z][A-Za-z0-9_-]{0,63}$");
const PARAMETER_NAME: &str = "^[A-Za-z][A-Za-z0-9_]{0,63}$";
const RESOURCE_NAME: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
const DURATION: Form = Form::Formed(r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$");
const WAIT: Form = Form::Formed(r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$");
const BACKOFF: Form =
    Form::Formed(r"^\s*[0-9]+(\.[0-9]+)?(ms|s|m|h)\s*\.\.\s*[0-9]+(\.[0-9]+)?(ms|s|m|h)\s*$");
const RATE: Form = Form::Formed("^[0-9]+/(s|m|h)$");
const SHARE: Form = Form::Either(&[Form::Formed(r"^[0-9.]+\s*%$"), Form::Number(0.0, 1.0)]);
const TEXTS: Form = Form::List(&Form::Text, 0);

/// A key that may be left out, without anything in its place.
const fn key(name: &'static str, form: Form, about: &'static str) -> Key {
    or(name, form, "", about)
}

/// A key that may be left out, and what then holds, as JSON.
const fn or(name: &'static str, form: Form, default: &'static str, about: &'static str) -> Key {
    Key {
        name,
        form,
        default,
        about,
    }
}

/// The whole file.
pub(in crate::load) static TOP: Table = Table {
    keys: &[
        key(
            "name",
            NAME,
            "What `carril ps` shows: a letter, then up to 63 letters, digits, `_` or `-`.",
        ),
        key("description", Form::Text, "One line for people."),
        key(
            "params",
            Form::Named(PARAMETER_NAME, &Form::Table(&PARAMETER)),
            "What a launch may set, as in `carril run --set report_date=2025-06-30`. SQL calls a parameter by its name.",
        ),
        key(
            "entities",
            Form::Table(&ENTITIES),
            "Whom the lanes are for: the rows of a query, or a list.",
        ),
        key(
            "lanes",
            Form::Table(&LANES),
            "How many executions run at once, and what a second launch does.",
        ),
        key(
            "workspace",
            Form::Table(&WORKSPACE),
            "The tables that each execution has to itself.",
        ),
        key(
            "defaults",
            Form::Table(&DEFAULTS),
            "`timeout` and `retry` of every step that has none of its own.",
        ),
        key(
            "resource",
            Form::Named(RESOURCE_NAME, &Form::Table(&RESOURCE)),
            "Named limits of what steps use: `[resource.geneva]` `slots = 4`.",
        ),
        key(
            "goal",
            Form::Table(&GOAL),
            "How fast its processes should be. Nothing is stopped by it.",
        ),
        key(
            "stage",
            Form::List(&Form::Table(&STAGE), 1),
            "What is done, in order; at least one.",
        ),
    ],
    required: &["name", "entities", "stage"],
    rules: &[],
};

pub(in crate::load) static PARAMETER: Table = Table {
    keys: &[
        key(
            "type",
            Form::Choice(&words(&KINDS)),
            "Its type; a `date` is written `YYYY-MM-DD`.",
        ),
        key(
            "default",
            Form::Any,
            "Its value where a launch sets none; without it every launch must.",
        ),
        key(
            "description",
            Form::Text,
            "What it is for; `carril plan` shows it.",
        ),
    ],
    required: &["type"],
    rules: &[],
};

pub(in crate::load) static ENTITIES: Table = Table {
    keys: &[
        key(
            "target",
            Form::Text,
            "Where the query runs: a target of carril.toml.",
        ),
        key(
            "sql",
            Form::Text,
            "The query, one `select` over the parameters: the path of a file, or SQL, which has a blank or a line break in it.",
        ),
        key(
            "key",
            Form::Text,
            "The column that is the entity's key: not null, once each. Every column becomes an attribute, `entity.NAME`.",
        ),
        key(
            "list",
            Form::List(&Form::Text, 1),
            "The entities themselves, once each, for pipelines without a database.",
        ),
    ],
    required: &[],
    rules: &[
        Rule::ExactlyOne(&["sql", "list"]),
        Rule::Needs("sql", &["target", "key"]),
        Rule::Excludes("list", &["target", "key"]),
    ],
};

pub(in crate::load) static LANES: Table = Table {
    keys: &[
        or(
            "max",
            Form::Either(&[Form::Integer(1, LANES_MAX as i64), Form::Choice(&[AUTO])]),
            "50",
            "Executions of one process that run at once; `auto` finds out with how many most is done.",
        ),
        or(
            "key",
            Form::Text,
            "\"entity.key\"",
            "An expression over `entity` and `param`; executions of one pipeline with the same lane key never overlap.",
        ),
        or(
            "overlap",
            Form::Choice(&words(&OVERLAPS)),
            "\"skip\"",
            "What a launch does while a process of the same pipeline and parameters is unfinished.",
        ),
        or(
            "abort_when",
            Form::Either(&[Form::Table(&ABORT_WHEN), Form::Always(false)]),
            "{ \"failed\": \"50%\", \"after\": 20 }",
            "When so many lanes have failed that the rest is cancelled; `false` turns it off.",
        ),
        or(
            "priority",
            Form::Integer(PRIORITY_MIN as i64, PRIORITY_MAX as i64),
            "0",
            "Where processes compete, the higher goes first; `carril run --priority N` says another for one launch.",
        ),
    ],
    required: &[],
    rules: &[],
};

pub(in crate::load) static ABORT_WHEN: Table = Table {
    keys: &[
        key(
            "failed",
            SHARE,
            "More than this share of the lanes that are done must have failed: `\"12.5%\"` or `0.125`, less than all.",
        ),
        or(
            "after",
            Form::Integer(1, u32::MAX as i64),
            "1",
            "Lanes that must be done before it counts.",
        ),
    ],
    required: &["failed"],
    rules: &[],
};

pub(in crate::load) static GOAL: Table = Table {
    keys: &[
        key(
            "duration",
            DURATION,
            "The longest time at work, without what lies between an end and a retry: `10m`; at most `720h`.",
        ),
        key(
            "entities_per_hour",
            Form::Integer(1, super::goal::ENTITIES_PER_HOUR_MAX as i64),
            "The fewest entities that go through in an hour.",
        ),
    ],
    required: &[],
    rules: &[Rule::AtLeastOne(&["duration", "entities_per_hour"])],
};

pub(in crate::load) static WORKSPACE: Table = Table {
    keys: &[
        key(
            "target",
            Form::Text,
            "Where the tables are; the entities' target where it is left out.",
        ),
        or(
            "isolation",
            Form::Choice(&words(&ISOLATIONS)),
            "\"own\"",
            "`own`: each execution gets empty tables of its own. `column`: the tables are shared, and a column tells whose a row is.",
        ),
        or(
            "column",
            Form::Text,
            "\"execution_id\"",
            "With `isolation = \"column\"`: the column that holds the execution's id.",
        ),
        key(
            "tables",
            TEXTS,
            "The tables, which exist in the target, without schema and quotes.",
        ),
        or(
            "publish",
            Form::List(&Form::Table(&PUBLISH), 0),
            "[]",
            "What is copied into the shared target when a lane is done.",
        ),
        or(
            "synchronous",
            Form::Choice(&words(&SYNCHRONOUS)),
            "\"full\"",
            "SQLite with `own` only: `normal` is faster and may lose the workspace at power failure.",
        ),
        or(
            "keep",
            Form::Choice(&words(&KEEPS)),
            "\"failed\"",
            "Which workspaces stay once their execution has settled.",
        ),
    ],
    required: &["tables"],
    rules: &[Rule::Only("column", "isolation", "column")],
};

pub(in crate::load) static PUBLISH: Table = Table {
    keys: &[
        key("from", Form::Text, "The workspace table that is copied."),
        key(
            "into",
            Form::Text,
            "The history table in the shared target, made at the first publish.",
        ),
        key("key", TEXTS, "The columns that name a published row."),
        key(
            "current",
            Form::Text,
            "A view that shows, for each key, the rows of the newest execution that succeeded.",
        ),
        or(
            "per",
            Form::Choice(&words(&SCOPES)),
            "\"entity\"",
            "`entity`: from every lane's workspace; `process`: from that of the process stages.",
        ),
    ],
    required: &["from", "into", "key"],
    rules: &[],
};

pub(in crate::load) static DEFAULTS: Table = Table {
    keys: &[
        or(
            "timeout",
            DURATION,
            "\"60s\"",
            "The longest run of one attempt: `250ms`, `90s`, `1.5m`, `2h`; at most `720h`.",
        ),
        key(
            "retry",
            Form::Table(&RETRY),
            "How often a step is tried, and how long it waits in between.",
        ),
    ],
    required: &[],
    rules: &[],
};

pub(in crate::load) static RETRY: Table = Table {
    keys: &[
        key(
            "attempts",
            Form::Integer(1, ATTEMPTS_MAX as i64),
            "All tries, the first one too; 3 where nobody says.",
        ),
        key(
            "backoff",
            BACKOFF,
            "The first and the longest wait, as in `50ms..5s`; it doubles from one to the other, with jitter.",
        ),
        key(
            "on",
            Form::Choice(&words(&RETRIED)),
            "Which failures are tried again; `transient`: deadlocks, busy, lost connections, time-outs, exit code 75, answers with 408, 425, 429 or 5xx.",
        ),
    ],
    required: &[],
    rules: &[],
};

pub(in crate::load) static RESOURCE: Table = Table {
    keys: &[
        key(
            "slots",
            Form::Integer(1, LANES_MAX as i64),
            "Steps that use it at once, over all processes of one engine.",
        ),
        key(
            "rate",
            RATE,
            "How often a use may begin, a whole number per `s`, `m` or `h`, at most 1,000,000: `10/s`.",
        ),
        or(
            "burst",
            Form::Integer(1, RATE_MAX as i64),
            "1",
            "Uses that may begin at once when none began for a while.",
        ),
        key(
            "breaker",
            Form::Table(&BREAKER),
            "Leaves the resource alone while it fails.",
        ),
    ],
    required: &[],
    rules: &[
        Rule::AtLeastOne(&["slots", "rate", "breaker"]),
        Rule::Needs("burst", &["rate"]),
    ],
};

pub(in crate::load) static BREAKER: Table = Table {
    keys: &[
        or(
            "failures",
            Form::Integer(1, BREAKER_COUNT_MAX as i64),
            "5",
            "Failures in a row that open it.",
        ),
        or("cooldown", DURATION, "\"30s\"", "How long it stays open."),
        or(
            "successes",
            Form::Integer(1, BREAKER_COUNT_MAX as i64),
            "2",
            "Uses that succeed after the cool-down, one at a time, and close it.",
        ),
    ],
    required: &[],
    rules: &[],
};
