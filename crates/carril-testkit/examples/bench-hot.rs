//! `cargo xtask bench hot`: 50,000 executions that are free to run, while 100,000 others wait on two lane keys and, in a second
//! process, every lane waits for the one slot of a resource; beside the same 50,000 alone.
//!
//! `--json` prints `benchmark`, `entities`, `blocked`, `steps`, `lanes`, `rounds`, `runtime`, `file_system`; `ratio` (steps per
//! second beside the blocked by those alone, median over the rounds); `floor` (alone) and `carril` (beside them), each with
//! `steps_per_second` and `cpu_micros_per_step` as `{median, min, max}`; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("hot")
}
