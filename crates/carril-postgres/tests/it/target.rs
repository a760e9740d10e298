//! The PostgreSQL target through its contract: what SQL steps, lanes, publishing and rollback promise, on a real server.

mod attempts;
mod columns;
mod entities;
mod fixture;
mod inspect;
mod lanes;
mod locks;
mod notices;
mod proxy;
mod publish;
mod rollback;
mod steps;
mod storm;
