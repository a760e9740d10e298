//! Commands as the engine runs them, against real programs: `/bin/sh` and what every Unix has. HTTP calls against a real
//! server on this machine.

mod given;
mod harness;
mod http;
mod http_answers;
mod http_guard;
mod kept;
mod refused;
mod server;
mod stopped;
