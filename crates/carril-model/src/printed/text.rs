//! Makes printed bytes safe to show: no control characters, no terminal sequences, no text that runs backwards.
//!
//! A log is shown in terminals and on pages, so what a program prints must not be able to move a cursor, set a title or
//! hide a line. Lines and tabs stay; bytes that are no UTF-8 become the replacement character.

#[cfg(test)]
mod tests;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';

/// Where in a terminal sequence the text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Text,
    /// After ESC.
    Escape,
    /// Control sequence: until its final character.
    Control,
    /// Title, link, device control: until BEL, ESC `\` or the line's end.
    Long,
    /// After ESC within one of those.
    LongEscape,
}

/// The text of these bytes, harmless.
#[must_use]
pub fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut inside = Inside::Text;
    let decoded = String::from_utf8_lossy(bytes);
    let mut characters = decoded.chars().peekable();
    while let Some(character) = characters.next() {
        // Every line has one kind of end; a lone return is how progress bars write over themselves.
        let character = match character {
            '\r' if characters.peek() == Some(&'\n') => continue,
            '\r' => '\n',
            other => other,
        };
        inside = next(inside, character, &mut text);
    }
    text
}

/// Takes one more character: shows it, or moves on within a sequence. A line's end always ends a sequence, so that a
/// broken one hides at most the rest of its line.
fn next(inside: Inside, character: char, text: &mut String) -> Inside {
    if character == '\n' {
        text.push('\n');
        return Inside::Text;
    }
    match (inside, character) {
        (Inside::Long, BELL | '\u{9c}') | (Inside::LongEscape, '\\') => Inside::Text,
        (Inside::Long, ESCAPE) => Inside::LongEscape,
        (Inside::Long, _) => Inside::Long,
        (_, ESCAPE) => Inside::Escape,
        (Inside::Escape | Inside::LongEscape, '[') | (Inside::Text, '\u{9b}') => Inside::Control,
        (Inside::Escape | Inside::LongEscape, ']' | 'P' | 'X' | '^' | '_')
        | (Inside::Text, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => Inside::Long,
        // Intermediate characters of a short sequence, then its final one.
        (Inside::Escape | Inside::LongEscape, ' '..='/') => Inside::Escape,
        (Inside::Escape | Inside::LongEscape, '0'..='~') => Inside::Text,
        (Inside::Control, ' '..='?') => Inside::Control,
        (Inside::Control, '@'..='~') => Inside::Text,
        _ => {
            if is_shown(character) {
                text.push(character);
            }
            Inside::Text
        }
    }
}

/// Whether a character is text. Those that turn the direction of writing around can make a line read as another one.
fn is_shown(character: char) -> bool {
    match character {
        '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        other => !other.is_control(),
    }
}
