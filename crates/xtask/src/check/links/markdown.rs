//! As much Markdown as links need: headings with their anchors, and link targets outside code.
//!
//! Handles `[text](target)`, images, `[name]: target` and `<a id="…">`. It is no Markdown parser: a link that is
//! broken over two lines between its brackets is not seen.

use std::collections::{BTreeMap, BTreeSet};

/// Returns the anchors of a text.
pub(super) fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        if let Some(title) = heading(line) {
            let slug = slug(title);
            let number = seen.entry(slug.clone()).or_insert(0);
            anchors.insert(if *number == 0 {
                slug
            } else {
                format!("{slug}-{number}")
            });
            *number += 1;
        }
        for mark in ["id=\"", "name=\""] {
            let pieces = line.split(mark).skip(1);
            anchors.extend(
                pieces
                    .filter_map(|rest| rest.split_once('"'))
                    .map(|(id, _)| id.to_owned()),
            );
        }
    }
    anchors
}

/// Returns the target of every link, with its line.
pub(super) fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let mut rest = line.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            links.extend(target(after).map(|target| (number, target)));
            rest = after;
        }
        if let Some((name, after)) = line.trim_start().split_once("]: ")
            && name.starts_with('[')
        {
            let target = after.split_whitespace().next().unwrap_or("");
            links.push((number, target.trim_matches(['<', '>']).to_owned()));
        }
    }
    links
}

/// Returns the lines outside code blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(open), Some(close)) if open == close => fence = None,
            (None, None) => return Some((index + 1, line)),
            _ => {}
        }
        None
    })
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let depth = line.len() - title.len();
    ((1..=6).contains(&depth) && title.starts_with(' ')).then_some(title.trim())
}

/// Returns the anchor of a heading: lower case, spaces as `-`, links by their text, other signs left out.
fn slug(title: &str) -> String {
    let mut shown = String::new();
    let mut rest = title;
    while let Some((before, after)) = rest.split_once("](") {
        shown.push_str(before);
        rest = after.split_once(')').map_or("", |(_, behind)| behind);
    }
    shown.push_str(rest);
    shown
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter if letter.is_alphanumeric() => Some(letter),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns a link's target from what follows its `](`, without a title.
fn target(after: &str) -> Option<String> {
    if let Some(quoted) = after.strip_prefix('<') {
        return quoted.split_once('>').map(|(target, _)| target.to_owned());
    }
    let mut depth = 0_usize;
    let end = after.find(|letter: char| match letter {
        '(' => {
            depth += 1;
            false
        }
        ')' if depth == 0 => true,
        ')' => {
            depth -= 1;
            false
        }
        _ => false,
    })?;
    after[..end].split_whitespace().next().map(str::to_owned)
}

/// Returns the line without its code spans. A run of back-ticks that nothing closes is just back-ticks.
fn without_code(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        let ticks = run(&rest[start..]);
        let inside = &rest[start + ticks..];
        shown.push_str(&rest[..start]);
        rest = match closing(inside, ticks) {
            Some(end) => &inside[end..],
            None => {
                shown.push_str(&rest[start..start + ticks]);
                inside
            }
        };
    }
    shown + rest
}

/// Returns the place behind the run of exactly `ticks` back-ticks that closes a code span.
fn closing(inside: &str, ticks: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(place) = inside[from..].find('`') {
        let length = run(&inside[from + place..]);
        from += place + length;
        if length == ticks {
            return Some(from);
        }
    }
    None
}

/// Returns how many back-ticks a text begins with.
fn run(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}
