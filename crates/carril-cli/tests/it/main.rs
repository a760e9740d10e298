//! The `carril` command as people and programs use it: real processes, real stores, real exit codes.

mod advice;
mod again;
mod backup;
mod calls;
mod chaos;
mod commands;
mod demo;
mod doctor;
mod doubts;
mod exits;
mod faults;
mod folders;
mod init;
mod pause;
mod place;
mod prune;
mod second;
mod talk;
mod top;
mod trace;
