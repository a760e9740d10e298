//! The flags of `carril store`, as clap reads them; what they mean is decided by its command.

use clap::{Args, Subcommand};

/// `carril store`.
#[derive(Debug, Args)]
pub(crate) struct StoreOf {
    #[command(subcommand)]
    pub(crate) what: StoreCommand,
}

/// What to do about the store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Show a store on PostgreSQL under the names of the old fund system, as views in a schema `logs`; one that is somebody else's is left alone.
    LegacyViews(LegacyViews),
}

/// `carril store legacy-views`.
#[derive(Debug, Args)]
pub(crate) struct LegacyViews {
    /// The schema that the views lie in.
    #[arg(long, value_name = "NAME", default_value = "logs")]
    pub(crate) schema: String,
    /// Remove them, and the schema where nothing else is in it.
    #[arg(long)]
    pub(crate) remove: bool,
}
