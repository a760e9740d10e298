//! `cargo xtask bench waiting`: a million executions that are parked, nine in ten until a time and one in ten until a signal: what they
//! cost while nothing happens, and how soon after its time or its signal one of them is at work again.
//!
//! `--entities N` is how many wait (1,000,000 by default); a hundredth of them, 10,000 at most, is due over ten seconds, and as many as
//! 300 get a signal each. `--rounds N` how often it is measured (1 by default). `--json` prints `benchmark`, `entities`, `due`,
//! `signals`, `rounds`, `runtime`, `file_system`; `ratio` (the floor's p99 from due time to work by Carril's); `floor` and `carril`,
//! each with `parked_per_second`, `rss_bytes` (while all wait), `peak_rss_bytes`, `idle_cpu_micros_per_second`, and `due` and
//! `signal`, each `{p50_micros, p99_micros, max_micros}` over all rounds; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("waiting")
}
