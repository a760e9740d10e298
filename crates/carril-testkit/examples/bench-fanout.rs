//! `cargo xtask bench fanout`: 10,000 entities through 7 no-op steps each in 50 lanes, every commit on disk.
//!
//! `--json` prints `benchmark`, `entities`, `steps`, `lanes`, `rounds`, `runtime`, `file_system`; `ratio` (Carril's
//! steps per second by the floor's, median over the rounds), `bytes_ratio` (Carril's bytes by the floor's); `floor` and
//! `carril`, each with `steps_per_second`, `cpu_micros_per_step`, `bytes_per_step`, `disk_bytes_per_step`,
//! `peak_rss_bytes` and `launch_millis` as `{median, min, max}`; and `targets`, a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("fanout")
}
