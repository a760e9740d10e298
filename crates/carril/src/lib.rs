//! Runs one pipeline for thousands of entities, each in a lane of its own, on the databases you already have.
//!
//! This crate is what a program adds to its dependencies: it opens a store, starts the engine on it and wires the parts
//! (SQLite, command steps, Rust functions) together. Nothing here decides what a pipeline does; that is [`model`].
//!
//! ```
//! use carril::{Input, Launch, OpenOptions, Pipeline, Stage, Step, StepFailure};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Seen { entity: City }
//! #[derive(Deserialize)]
//! struct City { key: String }
//! #[derive(Serialize)]
//! struct Greeting { text: String }
//!
//! async fn greet(input: Input<Seen>) -> Result<Greeting, StepFailure> {
//!     Ok(Greeting { text: format!("hello, {}", input.values.entity.key) })
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let greetings = Pipeline::new("greetings")
//!     .entities_list(["Lima", "Oslo", "Pune"])
//!     .stage(Stage::new("say").step(Step::function("greet", greet)))
//!     .build()?;
//!
//! let carril = carril::open(OpenOptions::new("carril.db").pipeline(&greetings)
//! #     .folder(folder.path())
//! ).await?;
//! let outcome = carril.run(&greetings, Launch::new()).await?;
//! assert_eq!(outcome.process.tally.succeeded, 3);
//! carril.shutdown(std::time::Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | run pipelines in this program | [`open`], then [`Carril`] |
//! | read what another program's engine does, or did | [`read`], then [`Reader`] |
//! | keep a copy of a store, put one back | [`backup()`], [`restore`] |
//! | bring the history of another program along | [`read_history`], [`model::import`], [`Engine::import`] |
//! | write a pipeline in Rust | [`Pipeline`] |
//! | load one from a folder | [`pipeline::load_dir`], [`check()`], [`PipelineDefinition::from_loaded`] |
//! | ask why something is as it is | [`why()`] |
//! | tell programs what there is, as `--json` does | [`shape`], [`report`] |
//! | draw a process, or export it as a trace | [`swimlanes`] |

mod backup;
mod builder;
mod carril;
mod check;
mod examine;
mod function;
mod http;
mod import;
mod legacy;
mod location;
mod open;
mod outline;
pub mod pipeline;
mod reader;
pub mod report;
mod secret;
mod settings;
pub mod shape;
pub mod swimlanes;
mod targets;
mod why;

pub use crate::backup::{
    Backup, BackupError, BackupOptions, BackupProgress, Contents, RestoreError, Restored, backup,
    restore,
};
pub use crate::builder::{
    HttpCall, InvalidPipeline, Parameter, Pipeline, PipelineDefinition, Publish, Retry, Stage,
    Step, Workspace,
};
pub use crate::carril::{Carril, Launch, Outcome};
pub use crate::check::{Asked, CheckReport, check};
pub use crate::examine::{Disk, Examined, WorkspaceFile, disk, examine, workspaces};
pub use crate::function::{Cancel, Functions, Input, StepFailure};
pub use crate::http::{HttpSettingError, HttpSettings};
pub use crate::import::{HistoryTables, read_history};
pub use crate::legacy::{LEGACY_VIEWS, LegacyViewsError, legacy_views};
pub use crate::location::{DEFAULT_STORE, Location, UrlError, kept_folder, target_url};
pub use crate::open::{Holder, Lookup, OpenError, OpenErrorKind, OpenOptions, no_references, open};
pub use crate::outline::{
    EntitiesOutline, EntitiesPreview, Outline, SegmentOutline, StageOutline, StepOutline, entities,
    outline,
};
pub use crate::reader::{EngineSeen, Reader, read};
pub use crate::settings::{
    EngineSettings, ProcesosSettings, RETENTION, ServerSettings, Settings, retention,
};
pub use crate::targets::Targets;
pub use crate::why::{Link, Subject, Why, WhyError, why};
pub use carril_engine::clock::SystemClock;
pub use carril_engine::{
    Engine, EntitySource, Error as EngineError, LaunchOutcome, LaunchRequest, Narrowing, Pruned,
    Purged, Retention, RetryPreview, RollbackReport, Sending, Word, event,
};
pub use carril_model as model;
/// Connections of a target on PostgreSQL, as engines open it.
pub const POSTGRES_CONNECTIONS: usize = carril_postgres::target::CONNECTIONS_DEFAULT;
pub use carril_sqlite::script::{ScriptValue, run_script};
pub use carril_sqlite::store::Durability;

/// The examples of the guide, which are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/library.md")]
struct Guide;
