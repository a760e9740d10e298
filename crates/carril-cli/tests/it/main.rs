//! The `carril` command as people and programs use it: real processes, real stores, real exit codes.

mod advice;
mod again;
mod calls;
mod chaos;
mod commands;
mod demo;
mod doubts;
mod exits;
mod faults;
mod folders;
mod init;
mod pause;
mod place;
mod prune;
mod rails;
mod second;
mod talk;
mod trace;
