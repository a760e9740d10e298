//! Each span reads as a person would say it.

use super::*;

#[test]
fn spans_read_as_people_say_them() {
    let cases = [
        (-5, "0 ms"),
        (999, "0 ms"),
        (350_000, "350 ms"),
        (4_260_000, "4.2 s"),
        (12_900_000, "12 s"),
        (185_000_000, "3 min 5 s"),
        (7_800_000_000, "2 h 10 min"),
        (273_600_000_000, "3 d 4 h"),
    ];
    for (micros, words) in cases {
        assert_eq!(span(micros), words);
    }
}

#[test]
fn numbers_agree_with_their_words() {
    assert_eq!(count(1, "lane"), "1 lane");
    assert_eq!(count(0, "lane"), "0 lanes");
    assert_eq!((are(1), are(2)), ("is", "are"));
}
