//! What a client is sent: who fell behind is told how far, and who follows one process hears of it alone.

use super::super::Line;
use super::super::ring::Ring;
use super::written;

fn ring(max: usize) -> Ring {
    let mut ring = Ring::new(max);
    for (process, text) in [(Some(1), "1"), (Some(2), "2"), (None, "3"), (Some(1), "4")] {
        ring.push(Line {
            event: "step",
            process,
            text: text.to_owned(),
        });
    }
    ring
}

#[test]
fn events_have_their_positions_whoever_reads_them() {
    let read = ring(9).after(0, 9);
    let all = written(&read, 0xab, None);
    assert_eq!(all.matches("event: step").count(), 4);
    assert!(
        all.starts_with("id: ab-1\nevent: step\ndata: 1\n\n"),
        "{all}"
    );
    let one = written(&read, 0xab, Some(1));
    let ids: Vec<&str> = one
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .collect();
    assert_eq!(ids, ["ab-1", "ab-3", "ab-4"]);
}

#[test]
fn who_fell_behind_is_told_first_and_goes_on_with_what_is_left() {
    let text = written(&ring(2).after(1, 9), 1, None);
    let wanted = "event: resync\ndata: {\"event\":\"resync\",\"reason\":\"behind\",\"missed\":1}\n\nid: 1-3\n";
    assert!(text.starts_with(wanted), "{text}");
    assert!(
        text.ends_with("id: 1-4\nevent: step\ndata: 4\n\n"),
        "{text}"
    );
}
