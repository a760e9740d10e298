//! The `carril` command as people and programs use it: real processes, real stores, real exit codes.

mod advice;
mod again;
mod chaos;
mod commands;
mod demo;
mod doubts;
mod exits;
mod faults;
mod init;
mod place;
mod second;
mod talk;
mod trace;
