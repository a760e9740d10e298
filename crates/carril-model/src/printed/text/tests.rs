//! What is left of text that would do something to a terminal.

use super::*;

#[test]
fn what_is_printed_becomes_harmless_text() {
    let cases: &[(&[u8], &str)] = &[
        (b"plain\ttext\n", "plain\ttext\n"),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree"),
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b[2J\x1b[Hcleared", "cleared"),
        (b"\x1b]0;a title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b(Bset", "set"),
        (b"\x1b7saved\x1b8", "saved"),
        (b"\x1bPdevice\x1b\\after", "after"),
        (b"bell\x07 back\x08space nul\0", "bell backspace nul"),
        (
            "c1 \u{9b}31mred \u{9d}title\u{9c}after".as_bytes(),
            "c1 red after",
        ),
        ("\u{202e}backwards\u{2066}".as_bytes(), "backwards"),
        (b"not \xff utf-8", "not \u{fffd} utf-8"),
        ("schön €".as_bytes(), "schön €"),
    ];
    for (printed, shown) in cases {
        assert_eq!(readable(printed), *shown, "{printed:?}");
    }
}

#[test]
fn a_broken_sequence_hides_at_most_the_rest_of_its_line() {
    assert_eq!(readable(b"a\x1b]0;never ended\nb"), "a\nb");
    assert_eq!(readable(b"a\x1b[12\nb"), "a\nb");
    assert_eq!(readable(b"a\x1b"), "a");
    // A new sequence within an unfinished one.
    assert_eq!(readable(b"a\x1b[12\x1b[0mb"), "ab");
}
