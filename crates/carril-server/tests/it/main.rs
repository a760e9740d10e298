//! The server as clients meet it: over sockets, on real stores with real runs.

mod access;
mod act;
mod client;
mod documents;
mod guard;
mod live;
mod mail;
mod procesos;
mod read;
mod rig;
mod swimlanes;
