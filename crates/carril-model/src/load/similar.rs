//! "Did you mean": the known word that is nearest to a written one.

/// Longer words are not compared; nobody misspells those by a letter or two.
const LENGTH_MAX: usize = 64;

/// Most candidates that are compared; a pipeline with more names gets no suggestion from the rest.
const CANDIDATES_MAX: usize = 1_000;

/// Longest list of candidates that is told in full; that of a step's keys just fits.
const LIST_BYTES_MAX: usize = 250;

/// The candidate nearest to `written`, if it is near enough: one slip for three letters, at least one.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = written.to_lowercase().chars().collect();
    if wanted.is_empty() || wanted.len() > LENGTH_MAX {
        return None;
    }
    let near = |candidate: &&'a str| {
        let known: Vec<char> = candidate.to_lowercase().chars().collect();
        let slips = if known.len() > LENGTH_MAX {
            usize::MAX
        } else {
            distance(&wanted, &known)
        };
        (slips <= (wanted.len().max(known.len()) / 3).max(1)).then_some(slips)
    };
    let scored = candidates
        .into_iter()
        .take(CANDIDATES_MAX)
        .filter_map(|candidate| near(&candidate).map(|slips| (slips, candidate)));
    scored
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `…`?", or else the whole list where it is short enough to read; `None` when there is nothing to say.
#[must_use]
pub fn suggestion<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().take(CANDIDATES_MAX).collect();
    if let Some(candidate) = nearest(written, candidates.iter().copied()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let list = one_of(&candidates);
    (!candidates.is_empty() && list.len() <= LIST_BYTES_MAX).then(|| format!("there is {list}"))
}

/// "`a`, `b` or `c`".
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Insertions, deletions, replacements and swaps of neighbours that make one word of the other ("optimal string
/// alignment": Damerau, "A technique for computer detection and correction of spelling errors", 1964).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, right) in other.iter().enumerate() {
            let replaced = last[column] + usize::from(left != right);
            let mut best = replaced.min(last[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *left == other[column - 1] && one[row - 1] == *right {
                best = best.min(before[column - 1] + 1);
            }
            this.push(best);
        }
        before = std::mem::replace(&mut last, this);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests;
