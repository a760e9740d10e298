//! Commands as the engine runs them, against real programs: `/bin/sh` and what every Unix has.

mod given;
mod harness;
mod kept;
mod refused;
mod stopped;
