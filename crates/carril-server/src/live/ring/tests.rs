//! Readers of a ring: each line once, in order, or told as missed.

use super::{Line, Ring};

fn ring(max: usize, lines: u64) -> Ring {
    let mut ring = Ring::new(max);
    for number in 1..=lines {
        let pushed = ring.push(Line {
            event: "step",
            process: None,
            text: number.to_string(),
        });
        assert_eq!(pushed, number);
    }
    ring
}

#[test]
fn every_line_is_read_once_or_told_as_missed_whatever_the_pace() {
    for (max, lines, seen, page) in [
        (4, 0, 0, 2),
        (4, 3, 0, 2),
        (4, 4, 1, 9),
        (4, 10, 0, 3),
        (4, 10, 5, 1),
        (4, 10, 6, 1),
        (4, 10, 10, 5),
        (1, 10, 3, 5),
    ] {
        let ring = ring(max, lines);
        let (mut at, mut told) = (seen, Vec::new());
        loop {
            let read = ring.after(at, page);
            told.extend((at + 1)..=(at + read.missed));
            told.extend(
                read.lines
                    .iter()
                    .map(|line| line.text.parse::<u64>().unwrap()),
            );
            let is_end = read.lines.is_empty();
            at = read.at;
            if is_end {
                break;
            }
        }
        let wanted: Vec<u64> = ((seen + 1)..=lines).collect();
        assert_eq!(told, wanted, "{max} {lines} {seen} {page}");
        assert_eq!(at, lines);
    }
}

#[test]
fn who_claims_to_be_ahead_has_seen_all() {
    let read = ring(4, 3).after(99, 10);
    assert_eq!((read.missed, read.lines.len(), read.at), (0, 0, 3));
}
