//! The keys of a `carril.toml`: what its reader knows, and what its JSON Schema says of them.
//!
//! Only data. What a key means at length is in `docs/reference/config.md`.

use carril_model::definition::LANES_MAX;
use carril_model::schema::{Form, Key, Table};

const KEPT: Form = Form::Formed("^(forever|[0-9]+[dh])$");
const SECRET_NAME: &str = "^[A-Za-z][A-Za-z0-9_-]*$";

const fn key(name: &'static str, form: Form, default: &'static str, about: &'static str) -> Key {
    Key {
        name,
        form,
        default,
        about,
    }
}

/// A table of which no key must be there.
const fn table(keys: &'static [Key]) -> Table {
    Table {
        keys,
        required: &[],
        rules: &[],
    }
}

/// The whole file.
pub(super) static TOP: Table = table(&[
    key(
        "store",
        Form::Text,
        "\"carril.db\"",
        "Where Carril keeps its own state: a path, `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`, in which references may stand.",
    ),
    key(
        "targets",
        Form::Named("", &Form::Text),
        "",
        "Where each target is that pipelines name: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`, in which `${env:NAME}` and `${file:PATH}` may stand.",
    ),
    key(
        "engine",
        Form::Table(&ENGINE),
        "",
        "What the engine does with all processes together.",
    ),
    key(
        "retention",
        Form::Table(&RETENTION),
        "",
        "How long things are kept once their process has ended.",
    ),
    key(
        "http",
        Form::Table(&HTTP),
        "",
        "What `http` steps may call.",
    ),
    key(
        "server",
        Form::Table(&SERVER),
        "",
        "Where `carril serve` listens, and who comes in.",
    ),
    key(
        "secrets",
        Form::Named(SECRET_NAME, &Form::Formed(r"\$\{(env|file):")),
        "",
        "What headers of `http` steps may send, by reference: `${env:NAME}` or `${file:PATH}`.",
    ),
]);

pub(super) static ENGINE: Table = table(&[
    key(
        "lanes",
        Form::Integer(1, LANES_MAX as i64),
        "",
        "Lanes at once over all processes; each process has its own `lanes.max` besides.",
    ),
    key(
        "lease",
        Form::Formed("^0*([1-9][0-9]?|[1-5][0-9][0-9]|600)s$|^0*([1-9]|10)m$"),
        "\"15s\"",
        "On a store on PostgreSQL: how long an engine's work stays its own without a sign of life, from `1s` to `10m`; the same for all engines.",
    ),
    key(
        "notify",
        Form::Boolean,
        "true",
        "On a store on PostgreSQL: whether engines tell each other at once what there is to do; without it they look each second.",
    ),
]);

pub(super) static RETENTION: Table = table(&[
    key(
        "history",
        KEPT,
        "\"180d\"",
        "How long a process that has ended is remembered: `180d`, `12h`, `forever`.",
    ),
    key(
        "workspaces",
        KEPT,
        "\"30d\"",
        "How long workspaces stay that were kept when their process ended: `30d`, `12h`, `forever`.",
    ),
]);

pub(super) static HTTP: Table = table(&[key(
    "allow",
    Form::List(&Form::Text, 0),
    "[]",
    "Places besides public addresses that may be called: networks, addresses and hosts, with or without a port.",
)]);

pub(super) static SERVER: Table = table(&[
    key(
        "listen",
        Form::Text,
        "\"127.0.0.1:7411\"",
        "The address and port it listens on; other addresses than those of this machine want a token to have been made.",
    ),
    key(
        "tokens",
        Form::Choice(&["auto", "always"]),
        "\"auto\"",
        "Who needs a token: `auto`, everybody once one was made, and `always`, everybody.",
    ),
    key(
        "hosts",
        Form::List(&Form::Text, 0),
        "[]",
        "Names under which it may be called, besides `localhost` and addresses.",
    ),
    key(
        "origins",
        Form::List(&Form::Text, 0),
        "[]",
        "Origins of pages elsewhere that may call it, as in `https://console.example.com`.",
    ),
    key(
        "procesos_v2",
        Form::Boolean,
        "true",
        "Whether the deprecated routes `/api/procesos/v2` are served, where `[server.procesos]` is there.",
    ),
    key(
        "procesos_v3",
        Form::Boolean,
        "true",
        "Whether the routes `/api/procesos/v3` are served, where `[server.procesos]` is there.",
    ),
    key(
        "procesos",
        Form::Table(&PROCESOS),
        "",
        "What the routes of the old fund system launch.",
    ),
]);

pub(super) static PROCESOS: Table = Table {
    keys: &[
        key(
            "pipeline",
            Form::Text,
            "",
            "The pipeline that `ejecutar` launches.",
        ),
        key(
            "parameter",
            Form::Text,
            "\"report_date\"",
            "The parameter that `fechaReporte` is the value of.",
        ),
        key(
            "sunset",
            Form::Formed("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
            "",
            "Until when v2 is served, as its answers announce it; wanted unless `procesos_v2` is false.",
        ),
    ],
    required: &["pipeline"],
    rules: &[],
};
