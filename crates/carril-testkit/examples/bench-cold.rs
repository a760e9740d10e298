//! `cargo xtask bench cold`: `carril run` as a command, from its start with no store to its end, and `carril --version`.
//!
//! `--json` prints `benchmark`, `entities`, `steps`, `lanes`, `rounds`, `file_system`; `ratio` (the floor's time by
//! Carril's, median over the rounds); `carril_run_millis`, `floor_millis` (the bare program, started the same way),
//! `version_millis` (`carril --version`) and `spawn_millis` (starting `true`), each as `{median, min, max}`; and
//! `targets`, a list of `{name, want, got, met}`. After every run the history in the store is counted.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("cold")
}
