//! What is kept of short, long and unreadable logs.

use super::*;

fn log(chunks: &[&[u8]]) -> Option<String> {
    let mut log = Log::default();
    for chunk in chunks {
        log.push(chunk);
    }
    log.finish()
}

#[test]
fn nothing_printed_is_no_log() {
    assert_eq!(log(&[]), None);
    assert_eq!(log(&[b"\x1b[0m\0\0"]), None);
}

#[test]
fn a_short_log_is_kept_whole_however_it_comes() {
    assert_eq!(log(&[b"one\ntw", b"o\n"]).as_deref(), Some("one\ntwo\n"));
    // A character that two readings share stays one.
    assert_eq!(log(&[b"caf\xc3", b"\xa9"]).as_deref(), Some("café"));
    let exactly = vec![b'a'; 2 * HALF];
    assert_eq!(log(&[&exactly]).map(String::into_bytes), Some(exactly));
}

#[test]
fn of_a_long_log_both_ends_stay_and_the_middle_is_counted() {
    let lines: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
    for chunk in [1, 1_000, HALF - 1, HALF, HALF + 1, 2 * HALF, lines.len()] {
        let mut log = Log::default();
        for part in lines.as_bytes().chunks(chunk) {
            log.push(part);
        }
        let kept = log.finish().expect("something was printed");
        let note = format!("[{} bytes left out]\n", lines.len() - 2 * HALF);
        let (head, tail) = kept
            .split_once(&note)
            .expect("the note tells how much is missing");
        assert_eq!(head.trim_end(), lines[..HALF].trim_end());
        assert_eq!(tail, &lines[lines.len() - HALF..]);
        assert!(kept.len() <= LOG_BYTES_MAX);
    }
}

#[test]
fn a_cut_never_splits_a_character() {
    let printed = "é".repeat(LOG_BYTES_MAX);
    for shift in ["", "a"] {
        let kept = log(&[shift.as_bytes(), printed.as_bytes()]).expect("something was printed");
        assert!(
            !kept.contains('\u{fffd}'),
            "no replacement character at the cuts"
        );
        assert!(kept.ends_with('é'));
    }
}

#[test]
fn bytes_that_grow_when_made_readable_stay_within_the_bound() {
    // Each of these bytes becomes a replacement character of three.
    for bytes in [HALF, 2 * HALF, 10 * HALF] {
        let kept = log(&[&vec![0xff; bytes]]).expect("something was printed");
        assert!(
            kept.len() <= LOG_BYTES_MAX,
            "{} bytes kept of {bytes}",
            kept.len()
        );
        assert!(kept.contains(" bytes left out]\n"));
    }
}

#[test]
fn memory_is_bounded_whatever_is_printed() {
    let mut log = Log::default();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        log.push(&chunk);
    }
    assert!(log.head.capacity() + log.tail.capacity() <= 4 * LOG_BYTES_MAX);
    assert_eq!(log.left_out + 2 * HALF as u64, 64 << 20);
}

#[test]
fn giving_up_on_reading_is_told() {
    let mut log = Log::default();
    log.push(b"last words");
    log.was_left_open();
    assert_eq!(log.finish(), Some(format!("last words\n{LEFT_OPEN}")));
    assert!(
        LEFT_OPEN.len() + "[18446744073709551615 bytes left out]\n\n\n".len() <= NOTES_BYTES_MAX
    );
}
