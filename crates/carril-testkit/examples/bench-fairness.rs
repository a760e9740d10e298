//! `cargo xtask bench fairness`: 200 lanes of one process, each through as many steps as it can until the first has done 1,000.
//!
//! `--json` prints `benchmark`, `steps`, `lanes`, `rounds`, `runtime`, `file_system`; `ratio` (the slowest lane's steps by the
//! fastest's, the worst of the rounds; 1 is what lanes that take turns reach), `slowest` and `fastest` (steps done, of that
//! round), `steps_per_second` as `{median, min, max}`; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("fairness")
}
