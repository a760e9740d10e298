//! `cargo xtask bench scale`: a thousand, ten thousand, a hundred thousand and a million entities from a query, 3 no-op steps
//! each, every commit on disk: what a step costs, and how much memory there is, must not depend on how many there are.
//!
//! `--entities N` is the largest number (1,000,000 by default), `--steps N` the steps (3 by default),
//! `--rounds N` how often each is measured (1 by default). `--json` prints `benchmark`, `steps`, `lanes`, `rounds`, `runtime`,
//! `file_system`; `ratio` (the smallest CPU a step of all numbers by that of the largest); `sizes`, a list of `{entities, ratio,
//! floor, carril}`, where `ratio` is Carril's steps per second by the floor's, and both sides have what `bench fanout` has; and
//! `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("scale")
}
