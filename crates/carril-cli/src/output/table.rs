//! Tables for people: columns by two spaces, a bold head, one line a row. What does not fit in a cell is cut with `…`.

use crate::output::paint::{self, Tone};
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

/// Most characters of one cell; longer texts are whole in `--json` and in `carril show`.
const CELL_CHARACTERS_MAX: usize = 100;

/// A table under way.
pub(crate) struct Table {
    grid: Grid,
    tones: Vec<Option<(String, Tone)>>,
}

impl Table {
    /// A table with these columns; a name that begins with `>` stands right-aligned, without the sign.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(columns.iter().map(|name| name.trim_start_matches('>')));
        for (at, name) in columns.iter().enumerate() {
            if let Some(column) = grid.column_mut(at) {
                column.set_padding((0, 2));
                if name.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self {
            grid,
            tones: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        self.add(cells, None);
    }

    /// Adds a row in which one cell, by its position, has a tone.
    pub(crate) fn toned(&mut self, cells: &[String], at: usize, tone: Tone) {
        let word = cells.get(at).map(|cell| one_line(cell));
        self.add(cells, word.map(|word| (word, tone)));
    }

    fn add(&mut self, cells: &[String], tone: Option<(String, Tone)>) {
        self.grid.add_row(cells.iter().map(|cell| one_line(cell)));
        self.tones.push(tone);
    }

    /// The whole of it.
    pub(crate) fn render(&self) -> String {
        let mut lines = Vec::with_capacity(self.tones.len() + 1);
        for (at, line) in self.grid.lines().enumerate() {
            let line = line.trim_end().to_owned();
            let tone = at
                .checked_sub(1)
                .and_then(|row| self.tones.get(row))
                .and_then(Option::as_ref);
            lines.push(match (at, tone) {
                (0, _) => paint::bold(&line),
                (_, Some((word, tone))) => {
                    line.replacen(word.as_str(), &paint::tone(*tone, word), 1)
                }
                (_, None) => line,
            });
        }
        lines.join("\n")
    }
}

/// A text on one line, cut to what a cell takes.
pub(crate) fn one_line(text: &str) -> String {
    cut(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        CELL_CHARACTERS_MAX,
    )
}

/// At most `max` characters of a text, with `…` for the rest.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
