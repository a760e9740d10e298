//! `carril top` on a real store: one frame as text, beside an engine and without one.

use crate::place::{bench, until};
use std::fs;

#[test]
fn one_frame_tells_who_waits_and_what_failed() {
    let bench = bench();
    bench.run(&["top", "--once"]).with(10);
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    let running = bench.start(&["run", "--set", "hold=ada"]);
    bench.until_file("waiting");
    // That an attempt began may be written a moment later.
    let frame = || bench.run(&["top", "--once"]).with(0).stdout;
    until("the step to be shown", || frame().contains("collect/hold"));
    let text = frame();
    for words in [
        "carril run",
        "▸ ",
        "sizes  running",
        "where time goes now",
        "ada (",
        "collect/hold",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(
        text.contains("completed_with_errors"),
        "the newest that has ended is there, too:\n{text}"
    );
    let text = bench.run(&["top", "1"]).with(0).stdout;
    assert!(
        text.contains("LAST FAILURES") && text.contains("bela ("),
        "without a terminal it draws once:\n{text}"
    );
    bench.run(&["top", "99"]).with(4).saying("CAR0803");
    bench.run(&["top", "--json"]).with(2);
    fs::write(bench.path("go"), "").unwrap();
    running.end().with(0);
    let text = bench
        .run(&["top", "--once", "--color", "never"])
        .with(0)
        .stdout;
    assert!(
        text.contains("no engine at work") && !text.contains('\u{1b}'),
        "{text}"
    );
}
