//! `cargo xtask bench dispatch`: from the call that launches to the first step at work, on an idle engine.
//!
//! `--json` prints `benchmark`, `launches`, `rounds`, `runtime`, `file_system`; `ratio` (the floor's median by
//! Carril's); `floor` and `carril`, each with `p50_micros`, `p90_micros`, `p99_micros` and `max_micros` over all
//! launches of all rounds; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("dispatch")
}
