//! The SQLite target through its contract: what SQL steps, lanes, publishing and rollback promise, on real files.

mod columns;
mod columns_oracle;
mod crash;
mod entities;
#[cfg(feature = "failpoints")]
mod failpoints;
mod fixture;
mod inspect;
mod lanes;
mod locks;
#[cfg(unix)]
mod power;
mod publish;
mod rollback;
mod steps;
