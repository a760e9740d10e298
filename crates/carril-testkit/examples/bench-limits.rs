//! `cargo xtask bench limits`: what limits cost that do not bind: lane keys, two named resources with slots, a rate and a closed
//! breaker, beside the same work without any.
//!
//! `--json` prints `benchmark`, `entities`, `steps`, `lanes`, `rounds`, `runtime`, `file_system`; `ratio` (steps per second with
//! limits by those without, median over the rounds); `floor` (without limits) and `carril` (with them), each with
//! `steps_per_second` and `cpu_micros_per_step` as `{median, min, max}`; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("limits")
}
