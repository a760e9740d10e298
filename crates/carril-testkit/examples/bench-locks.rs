//! `cargo xtask bench locks`: 126 scenes of locks on a PostgreSQL server of its own, and what looking at locks costs.
//!
//! `--json` prints `benchmark`, `trials`, `right` (told with the right holder and table), `timed` (of those with a time that can be
//! known), `in_time` (told within a tenth, or a tenth of a second, of the server's own account), `error_millis` (`{p50, p99, max}`),
//! `scenes` (by name `{trials, right, in_time}`), `ratio` (steps per second with looking by without, median over the rounds), `floor`
//! (without) and `carril` (with), each with `steps_per_second` as `{median, min, max}`, `rounds`; and `targets`, a list of
//! `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("locks")
}
