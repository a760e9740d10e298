//! `cargo xtask bench launch`: how long the call takes that launches 10,000 executions.
//!
//! `--json` prints `benchmark`, `entities`, `rounds`, `runtime`, `file_system`; `ratio` (the floor's time by Carril's,
//! median over the rounds); `floor` and `carril`, each with `launch_millis` as `{median, min, max}`; and `targets`, a
//! list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("launch")
}
