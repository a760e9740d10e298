//! The library over a real store and real SQLite files, each test in a folder of its own.

mod again;
mod behaviour;
mod calls;
mod checked;
mod documents;
mod elsewhere;
mod folders;
mod functions;
mod fuzzed;
mod harness;
mod import;
mod locks;
mod networks;
mod nodes;
mod opened;
mod postgres;
mod settings_schema;
mod sql;
mod told;
