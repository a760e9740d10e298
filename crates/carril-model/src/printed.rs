//! What a program printed, or a server said, while an attempt ran: the beginning and the end of it, in bounded memory.
//!
//! Bytes are kept as they come and made readable once, at the end; the middle of a long log is only counted. Where it is kept
//! is not its business, nor who reads the bytes.

mod text;

#[cfg(test)]
mod tests;

pub use text::readable;

use crate::contract::LOG_BYTES_MAX;
use std::collections::VecDeque;

/// Room for the two lines that we may add.
const NOTES_BYTES_MAX: usize = 256;
/// Bytes kept of the beginning, and of the end.
const HALF: usize = (LOG_BYTES_MAX - NOTES_BYTES_MAX) / 2;
const LEFT_OPEN: &str =
    "[a process that left the command's group kept this output open; nothing more was read]";

/// The log of one attempt.
#[derive(Debug, Default)]
pub struct Log {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
    left_open: bool,
}

impl Log {
    /// Takes what was printed next.
    pub fn push(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(HALF - self.head.len()));
        self.head.extend_from_slice(head);
        // Of a chunk longer than the tail only its end can stay.
        let (skipped, kept) = rest.split_at(rest.len().saturating_sub(HALF));
        let displaced = (self.tail.len() + kept.len()).saturating_sub(HALF);
        self.tail.drain(..displaced);
        self.tail.extend(kept);
        self.left_out += (skipped.len() + displaced) as u64;
    }

    /// Notes that reading was given up before the end.
    pub const fn was_left_open(&mut self) {
        self.left_open = true;
    }

    /// The log as text, at most [`LOG_BYTES_MAX`] bytes; `None` when nothing readable was printed.
    #[must_use]
    pub fn finish(self) -> Option<String> {
        let Self {
            mut head,
            tail,
            mut left_out,
            left_open,
        } = self;
        let tail: Vec<u8> = tail.into();
        let mut text = if left_out == 0 {
            head.extend_from_slice(&tail);
            shorten(readable(&head))
        } else {
            let head = readable(whole_characters(&head));
            let tail = readable(without_continuation(&tail));
            let kept_head = &head[..head.floor_char_boundary(HALF)];
            let kept_tail = &tail[tail.ceil_char_boundary(tail.len().saturating_sub(HALF))..];
            left_out += (head.len() - kept_head.len() + tail.len() - kept_tail.len()) as u64;
            join(kept_head, left_out, kept_tail)
        };
        if left_open {
            end_line(&mut text);
            text.push_str(LEFT_OPEN);
        }
        (!text.is_empty()).then_some(text)
    }
}

/// Cuts the middle out of a text that became longer by being made readable.
fn shorten(text: String) -> String {
    if text.len() <= 2 * HALF {
        return text;
    }
    let head = &text[..text.floor_char_boundary(HALF)];
    let tail = &text[text.ceil_char_boundary(text.len() - HALF)..];
    join(head, (text.len() - head.len() - tail.len()) as u64, tail)
}

fn join(head: &str, left_out: u64, tail: &str) -> String {
    let mut text = head.to_owned();
    end_line(&mut text);
    text.push_str(&format!("[{left_out} bytes left out]\n"));
    text.push_str(tail);
    text
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Without the beginning of a character that was cut.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// Without the end of a character that was cut: at most three bytes.
fn without_continuation(bytes: &[u8]) -> &[u8] {
    let cut = bytes
        .iter()
        .take(3)
        .take_while(|byte| (0x80..0xC0).contains(*byte))
        .count();
    &bytes[cut..]
}
