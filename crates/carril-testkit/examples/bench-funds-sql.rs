//! `cargo xtask bench funds-sql`: 50 funds through 7 SQL stages of about 1,000 rows each, beside a program written for just that.
//!
//! `--json` prints `benchmark`, `funds`, `stages`, `rows`, `rounds`, `runtime`, `server`; `ratio` and `extra_cpu_s`, the worst of
//! all cases; `cases`, a list of `{connections, store, ratio, extra_cpu_s, control, carril}`, the sides with
//! `wall_s` and `cpu_s`, all with a spread; and `targets`, a list of `{name, want, got, met}`. `store` is `sqlite` or `postgres`.

mod bench;

fn main() -> std::process::ExitCode {
    bench::main("funds-sql")
}
