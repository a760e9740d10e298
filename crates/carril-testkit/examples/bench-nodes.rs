//! `cargo xtask bench nodes`: 10,000 entities through 7 no-op steps each in 50 lanes on a PostgreSQL store, by one engine and by three.
//!
//! `--json` prints `benchmark`, `entities`, `steps`, `lanes`, `nodes`, `rounds`, `runtime`; `ratio` (steps per second of three engines
//! by those of one, median over the rounds); `floor` (one) and `carril` (three), each with `steps_per_second` and
//! `cpu_micros_per_step` as `{median, min, max}`; `least_share` (of the steps, of the engine that did least, median over the
//! rounds), `steps_of_each` (in the last round); and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("nodes")
}
