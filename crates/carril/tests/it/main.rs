//! The library over a real store and real SQLite files, each test in a folder of its own.

mod adapt;
mod again;
mod behaviour;
mod calls;
mod checked;
mod clocks;
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
mod old_names;
mod opened;
mod pool;
mod postgres;
mod settings_schema;
mod shares;
mod sql;
mod storms;
mod told;
mod upgraded;
