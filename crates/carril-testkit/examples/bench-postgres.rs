//! `cargo xtask bench postgres`: 10,000 entities through 7 no-op steps each in 50 lanes, on a PostgreSQL server.
//!
//! `--json` prints `benchmark`, `entities`, `steps`, `lanes`, `rounds`, `runtime`; `ratio` (Carril's steps per second by the
//! floor's, median over the rounds); `floor` and `carril`, each with `steps_per_second` and `cpu_micros_per_step` as
//! `{median, min, max}`; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("postgres")
}
