//! `cargo xtask bench contention`: tenants that merge rows into shared tables at once, in the old design, one after the other, and in Carril.
//!
//! `--json` prints `benchmark`, `tenants`, `rounds`, `rows_per_run` (final rows of one tenant, mean), `cores`, `server`,
//! `isolation`, `store`; `control`, `serial` and `carril`, each with `runs`, `deadlocks`, `errors`, `wrong`, `right`, `wall_s` and
//! `causes` (how many attempts failed with each SQLSTATE or code); `ratio` (the wall time of `serial` by Carril's); and `targets`,
//! a list of `{name, want, got, met}`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("contention")
}
