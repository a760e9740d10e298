//! The `carril` command as people and programs use it: real processes, real stores, real exit codes.

mod advice;
mod again;
mod backup;
mod breaker;
mod calls;
mod chaos;
mod columns;
mod commands;
mod demo;
mod doctor;
mod documents;
mod doubts;
mod exits;
mod faults;
mod folders;
mod guide;
mod import;
mod init;
mod machine;
mod nodes;
mod pause;
mod place;
mod prune;
mod purge;
mod rails;
#[path = "../../../carril-testkit/examples/chaos/random.rs"]
mod random;
mod second;
mod shared;
mod simulate;
mod standing;
mod talk;
mod top;
mod trace;
mod waiting;
