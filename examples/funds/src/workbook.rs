//! The one door to the spreadsheet reader: bytes in, sheets of plain cells out. Knows both Excel formats by content, and
//! nothing of what a sheet means.

#[cfg(test)]
mod tests;

use crate::error::LoadError;
use crate::kind::Kind;
use crate::limits::Limits;
use calamine::{Data, DataRef, Reader as _, Xls, Xlsx};
use std::collections::BTreeMap;
use std::io::Cursor;

/// What a cell holds, as far as a portfolio statement cares.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Cell {
    /// Nothing, or only blanks.
    #[default]
    Empty,
    /// Text without the blanks around it.
    Text(String),
    /// Any number; a date is the number that Excel stores for it.
    Number(f64),
}

impl Cell {
    pub(crate) fn text(text: &str) -> Self {
        match text.trim() {
            "" => Self::Empty,
            trimmed => Self::Text(trimmed.to_owned()),
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Empty | Self::Number(_) => None,
        }
    }
}

/// One row: its number as Excel shows it, from 1, and its cells from column A.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    pub(crate) fn cell(&self, column: usize) -> &Cell {
        const NOTHING: &Cell = &Cell::Empty;
        self.cells.get(column).unwrap_or(NOTHING)
    }
}

/// A sheet with its rows that hold anything, top down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// Reads all worksheets, in the workbook's order.
pub(crate) fn read(
    document: &str,
    bytes: &[u8],
    kind: Kind,
    limits: Limits,
) -> Result<Vec<Sheet>, LoadError> {
    let mut gathered = Gathered {
        document,
        limits,
        cells: 0,
        sheets: Vec::new(),
    };
    match kind {
        Kind::Xlsx => gathered.xlsx(bytes)?,
        _ => gathered.xls(bytes)?,
    }
    Ok(gathered.sheets)
}

struct Gathered<'a> {
    document: &'a str,
    limits: Limits,
    cells: u64,
    sheets: Vec<Sheet>,
}

impl Gathered<'_> {
    /// The old format bounds a sheet itself (65,536 rows of 256 columns), so the reader may lay it out whole.
    fn xls(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let mut workbook: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(|e| self.unreadable(&e))?;
        for name in workbook.sheet_names() {
            let range = workbook
                .worksheet_range(&name)
                .map_err(|e| self.unreadable(&e))?;
            let (first_row, first_column) = range.start().unwrap_or_default();
            let mut rows = BTreeMap::new();
            for (row, column, data) in range.used_cells() {
                let (row, column) = (row as u64, column as u64);
                let place = (row + u64::from(first_row), column + u64::from(first_column));
                self.put(&mut rows, &name, place, plain(data))?;
            }
            self.finish(name, rows);
        }
        Ok(())
    }

    /// The new format may name any of 17 billion cells; they are taken one by one, so that a far cell costs nothing.
    fn xlsx(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let mut workbook: Xlsx<_> =
            Xlsx::new(Cursor::new(bytes)).map_err(|e| self.unreadable(&e))?;
        for name in workbook.sheet_names() {
            let mut cells = match workbook.worksheet_cells_reader(&name) {
                Ok(cells) => cells,
                // A chart or dialog sheet, which has no cells.
                Err(calamine::XlsxError::NotAWorksheet(_)) => continue,
                Err(error) => return Err(self.unreadable(&error)),
            };
            let mut rows = BTreeMap::new();
            while let Some(cell) = cells.next_cell().map_err(|e| self.unreadable(&e))? {
                let (row, column) = cell.get_position();
                let data = match cell.get_value() {
                    DataRef::SharedString(text) => Cell::text(text),
                    other => plain(&Data::from(other.clone())),
                };
                self.put(&mut rows, &name, (row.into(), column.into()), data)?;
            }
            self.finish(name, rows);
        }
        Ok(())
    }

    fn put(
        &mut self,
        rows: &mut BTreeMap<u64, Vec<Cell>>,
        sheet: &str,
        (row, column): (u64, u64),
        cell: Cell,
    ) -> Result<(), LoadError> {
        /// A statement has about a dozen columns; what stands further right is not one.
        const COLUMNS_MAX: u64 = 256;
        if cell == Cell::Empty || column >= COLUMNS_MAX {
            return Ok(());
        }
        self.cells += 1;
        if self.cells > self.limits.cells {
            return Err(LoadError::TooLarge {
                document: format!("{}, sheet `{sheet}`", self.document),
                what: "has more cells than a workbook may",
                limit: format!("{} cells", self.limits.cells),
            });
        }
        let cells = rows.entry(row).or_default();
        let column = usize::try_from(column).expect("the column was just found to be below 256");
        if cells.len() <= column {
            cells.resize(column + 1, Cell::Empty);
        }
        cells[column] = cell;
        Ok(())
    }

    fn finish(&mut self, name: String, rows: BTreeMap<u64, Vec<Cell>>) {
        let rows = rows
            .into_iter()
            .map(|(row, cells)| Row {
                number: u32::try_from(row + 1).unwrap_or(u32::MAX),
                cells,
            })
            .collect();
        self.sheets.push(Sheet { name, rows });
    }

    fn unreadable(&self, error: &dyn ToString) -> LoadError {
        LoadError::Archive {
            document: self.document.to_owned(),
            format: "workbook",
            message: error.to_string(),
        }
    }
}

fn plain(data: &Data) -> Cell {
    match data {
        Data::Int(number) =>
        {
            #[expect(
                clippy::cast_precision_loss,
                reason = "Excel itself keeps numbers as doubles"
            )]
            Cell::Number(*number as f64)
        }
        Data::Float(number) => Cell::Number(*number),
        Data::DateTime(moment) => Cell::Number(moment.as_f64()),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::text(text),
        // Kept as its text, `#REF!` and the like, so that it cannot pass for an empty cell.
        Data::Error(error) => Cell::Text(error.to_string()),
        Data::Bool(_) | Data::Empty => Cell::Empty,
    }
}
