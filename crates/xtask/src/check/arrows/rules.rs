//! The tables of the arrows. A new line here is a new arrow, and a new arrow needs a design note.
//!
//! Only data: the comparing is done next door. Crates and modules that do not exist yet are in the tables already
//! where their place is decided.

/// Which of our crates one of ours may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    pub(super) from: &'static str,
    /// In what ships.
    pub(super) production: &'static [&'static str],
    /// In tests, examples and benchmarks, besides those.
    pub(super) tests: &'static [&'static str],
}

const fn edges(
    from: &'static str,
    production: &'static [&'static str],
    tests: &'static [&'static str],
) -> Edges {
    Edges {
        from,
        production,
        tests,
    }
}

/// The model knows nothing. The engine knows only the model. Only `carril` wires them.
pub(super) const EDGES: &[Edges] = &[
    edges("carril-model", &[], &[]),
    edges("carril-engine", &["carril-model"], &["carril-testkit"]),
    edges("carril-sqlite", &["carril-model"], &["carril-testkit"]),
    edges("carril-postgres", &["carril-model"], &["carril-testkit"]),
    edges("carril-mssql", &["carril-model"], &["carril-testkit"]),
    edges("carril-steps", &["carril-model"], &["carril-testkit"]),
    edges(
        "carril",
        &[
            "carril-model",
            "carril-engine",
            "carril-sqlite",
            "carril-postgres",
            "carril-mssql",
            "carril-steps",
        ],
        &["carril-testkit"],
    ),
    edges("carril-server", &["carril"], &["carril-testkit"]),
    edges(
        "carril-cli",
        &["carril", "carril-server"],
        &["carril-testkit"],
    ),
    // Benchmarks and the chaos run are examples of the test kit, so its tests reach everything.
    edges(
        "carril-testkit",
        &["carril-model"],
        &[
            "carril",
            "carril-engine",
            "carril-sqlite",
            "carril-postgres",
            "carril-steps",
        ],
    ),
    edges("xtask", &[], &[]),
    // The loader of the example's documents; its tests run the example through the library.
    edges("funds-example", &[], &["carril", "carril-testkit"]),
];

/// At most this many crates; the examples and xtask are not counted.
pub(super) const CRATES_MAX: usize = 12;

/// The crates that may use a foreign library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    pub(super) library: &'static str,
    /// Who may in what ships.
    pub(super) production: &'static [&'static str],
    /// Who else may in tests, examples and benchmarks.
    pub(super) tests: &'static [&'static str],
}

const fn door(
    library: &'static str,
    production: &'static [&'static str],
    tests: &'static [&'static str],
) -> Door {
    Door {
        library,
        production,
        tests,
    }
}

/// Everybody, in tests.
pub(super) const ANYBODY: &[&str] = &["*"];

const BINARIES: &[&str] = &["carril-cli", "xtask", "funds-example"];

/// Each foreign library has one door. A library that is not here may be used by any crate but the model.
pub(super) const DOORS: &[Door] = &[
    // Databases. Tests look into files that others wrote, and benchmarks write the bare floor.
    door(
        "rusqlite",
        &["carril-sqlite", "funds-example"],
        &["carril", "carril-cli", "carril-server", "carril-testkit"],
    ),
    door("libsqlite3-sys", &["carril-sqlite"], &[]),
    door("tokio-postgres", &["carril-postgres"], &["carril-testkit"]),
    door("deadpool-postgres", &["carril-postgres"], &[]),
    door("tokio-postgres-rustls", &["carril-postgres"], &[]),
    door("tiberius", &["carril-mssql"], &[]),
    // Rates.
    door("governor", &["carril-engine"], &[]),
    // The network.
    door("axum", &["carril-server"], &[]),
    door("tower", &["carril-server"], &[]),
    door("tower-http", &["carril-server"], &[]),
    door("hyper", &["carril-server"], &[]),
    door("hyper-util", &["carril-server"], &[]),
    door("prometheus-client", &["carril-server"], &[]),
    door("aws-lc-rs", &["carril-server"], &[]),
    door("rust-embed", &["carril-server"], &[]),
    door("reqwest", &["carril-steps"], &[]),
    // Documents: the workbook reader never enters `carril`.
    door("calamine", &["funds-example"], &[]),
    door("csv", &["funds-example"], &[]),
    door("liblzma", &["funds-example"], &[]),
    door("tar", &["funds-example"], &[]),
    door("zip", &["funds-example"], &[]),
    // What the model reads text with.
    door("blake3", &["carril-model"], &[]),
    door("minijinja", &["carril-model"], &[]),
    door("sqlparser", &["carril-model"], &[]),
    // The terminal, and what binaries alone may do.
    door("anyhow", BINARIES, ANYBODY),
    door("clap", BINARIES, &["carril-testkit"]),
    door("anstream", &["carril-cli"], &[]),
    door("comfy-table", &["carril-cli"], &[]),
    door("indicatif", &["carril-cli"], &[]),
    door("ratatui-core", &["carril-cli"], &[]),
    door("ratatui-crossterm", &["carril-cli"], &[]),
    door("ratatui-widgets", &["carril-cli"], &[]),
    door("crossterm", &["carril-cli"], &[]),
    door("tracing-subscriber", &["carril-cli"], ANYBODY),
    // The operating system: process groups for commands, and the disk that a store lies on.
    door("rustix", &["carril-sqlite", "carril-steps"], ANYBODY),
    // Tools of tests.
    door("insta", &[], ANYBODY),
    door("proptest", &[], ANYBODY),
    door("tempfile", &["carril-testkit"], ANYBODY),
    // Tools of these checks.
    door("cargo_metadata", &["xtask"], &[]),
    door("proc-macro2", &["xtask"], &[]),
    door("spdx", &["xtask"], &[]),
    door("syn", &["xtask"], &[]),
];

/// What the model may use: libraries that turn text into values, and nothing that acts.
pub(super) const MODEL_USES: &[&str] = &[
    "blake3",
    "jiff",
    "minijinja",
    "serde",
    "serde_json",
    "serde_spanned",
    "sqlparser",
    "thiserror",
    "toml",
];

/// What the model may not even reach through others: runtimes, databases, network, time, randomness.
pub(super) const MODEL_NEVER_REACHES: &[&str] = &[
    "async-std",
    "chrono",
    "getrandom",
    "hyper",
    "libsqlite3-sys",
    "mio",
    "rand",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "uuid",
];

/// A call that only declared modules may make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) rule: &'static str,
    /// The ends of the paths that make it: `thread::spawn` is also found in `std::thread::spawn`.
    pub(super) ends: &'static [&'static str],
    /// The beginnings of the paths that make it.
    pub(super) starts: &'static [&'static str],
    /// Beginnings that are harmless all the same.
    pub(super) harmless: &'static [&'static str],
    /// The packages under the rule, by folder; `*` is every package that ships.
    pub(super) packages: &'static [&'static str],
    /// The files that may, and the folder of a file's own modules.
    pub(super) declared: &'static [&'static str],
    pub(super) right: &'static str,
}

/// The packages whose code is a library; binaries' packages are `carril-cli` and the examples.
pub(super) const LIBRARIES: &[&str] = &[
    "carril",
    "carril-engine",
    "carril-model",
    "carril-mssql",
    "carril-postgres",
    "carril-server",
    "carril-sqlite",
    "carril-steps",
];

/// The calls and who may make them.
pub(super) const CALLS: &[Call] = &[
    Call {
        rule: "arrows/environment",
        ends: &["is_terminal", "IsTerminal"],
        starts: &["std::env", "env"],
        harmless: &["std::env::consts"],
        packages: LIBRARIES,
        declared: &[],
        right: "the binary's `main` reads the environment, home and terminal, and hands a look-up function in",
    },
    Call {
        rule: "arrows/spawn",
        ends: &[
            "tokio::spawn",
            "task::spawn",
            "task::spawn_blocking",
            "task::spawn_local",
            "task::JoinSet",
            "JoinSet::new",
            "thread::spawn",
            "thread::Builder",
            "thread::scope",
            "spawn_blocking",
        ],
        starts: &[],
        harmless: &[],
        packages: &["*"],
        declared: &[
            "crates/carril-engine/src/task.rs",
            "crates/carril-sqlite/src/driver.rs",
            "crates/carril-postgres/src/driver.rs",
            "crates/carril-mssql/src/driver.rs",
            "crates/carril-server/src/listener.rs",
        ],
        right: "spawn through the engine's task module, or a backend's `driver` module, where each task declares its end",
    },
    Call {
        rule: "arrows/clock",
        ends: &[
            "Instant::now",
            "SystemTime::now",
            "Timestamp::now",
            "Zoned::now",
        ],
        starts: &[],
        harmless: &[],
        packages: &["*"],
        declared: &["crates/carril-engine/src/clock.rs"],
        right: "take a `Clock`, or be told the time",
    },
    Call {
        rule: "arrows/model",
        ends: &[],
        starts: &[
            "std::env",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "tokio",
        ],
        harmless: &[],
        packages: &["carril-model"],
        declared: &[],
        right: "the model is told the time and given the text; whoever calls it reads files and runs things",
    },
];

/// The crates that may hold no SQL text: they say what they want by the verbs of the contracts.
pub(super) const WITHOUT_SQL: &[&str] = &["carril-engine", "carril-server", "carril-steps"];
