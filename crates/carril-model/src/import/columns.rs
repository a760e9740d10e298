//! Which column of a source is which: by their known names, by the names that the options give, and by how they begin.

use super::MapError;
use super::flat::FlatTable;
use std::collections::{BTreeMap, BTreeSet};

/// Columns that begin so tell the state of a stage, which is called by what follows.
const STATE_OF: &str = "Estado_";

/// Where the columns of runs are.
pub(super) struct RunColumns {
    pub(super) id: usize,
    pub(super) date: usize,
    pub(super) state: usize,
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) total: Option<usize>,
    pub(super) good: Option<usize>,
    pub(super) bad: Option<usize>,
    pub(super) error: Option<usize>,
}

/// Where the columns of funds are.
pub(super) struct FundColumns {
    pub(super) run: usize,
    pub(super) fund: usize,
    pub(super) begin: Option<usize>,
    pub(super) end: Option<usize>,
    pub(super) error: Option<usize>,
    pub(super) stages: Vec<StageColumns>,
    /// What is none of these.
    pub(super) attributes: Vec<usize>,
}

/// Where the columns of a stage are.
pub(super) struct StageColumns {
    /// As the source writes it, for people.
    pub(super) column: String,
    pub(super) state: usize,
    pub(super) begin: Option<usize>,
    pub(super) end: Option<usize>,
    pub(super) error: Option<usize>,
}

impl RunColumns {
    /// Finds them.
    pub(super) fn of(
        table: &FlatTable,
        renamed: &BTreeMap<String, String>,
    ) -> Result<Self, MapError> {
        Ok(Self {
            id: table.needed("ID_Ejecucion", renamed)?,
            date: table.needed("FechaReporte", renamed)?,
            state: table.needed("Estado", renamed)?,
            begin: table.needed("FechaInicio", renamed)?,
            end: table.needed("FechaFin", renamed)?,
            total: table.known("TotalFondos", renamed)?,
            good: table.known("FondosExitosos", renamed)?,
            bad: table.known("FondosFallidos", renamed)?,
            error: table.known("MensajeError", renamed)?,
        })
    }
}

/// Where the columns of funds are, and what the stages are called.
pub(super) fn fund_columns(
    table: &FlatTable,
    renamed: &BTreeMap<String, String>,
) -> Result<(FundColumns, Vec<String>), MapError> {
    let mut columns = FundColumns {
        run: table.needed("ID_Ejecucion", renamed)?,
        fund: table.needed("ID_Fund", renamed)?,
        begin: table.known("FechaInicio", renamed)?,
        end: table.known("FechaFin", renamed)?,
        error: table.known("MensajeError", renamed)?,
        stages: Vec::new(),
        attributes: Vec::new(),
    };
    let mut used: BTreeSet<usize> = [columns.run, columns.fund].into();
    used.extend(
        [columns.begin, columns.end, columns.error]
            .into_iter()
            .flatten(),
    );
    let mut names: Vec<String> = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let is_state = column.len() > STATE_OF.len()
            && column.is_char_boundary(STATE_OF.len())
            && column[..STATE_OF.len()].eq_ignore_ascii_case(STATE_OF);
        if !is_state || used.contains(&at) {
            continue;
        }
        let service = &column[STATE_OF.len()..];
        let name = stage_name(service);
        if names.contains(&name) {
            return Err(MapError::TwoColumns {
                table: table.name.clone(),
                column: column.clone(),
            });
        }
        let stage = StageColumns {
            column: column.clone(),
            state: at,
            begin: table.find(&format!("FechaInicio_{service}"))?,
            end: table.find(&format!("FechaFin_{service}"))?,
            error: table.find(&format!("MensajeError_{service}"))?,
        };
        used.insert(at);
        used.extend([stage.begin, stage.end, stage.error].into_iter().flatten());
        names.push(name);
        columns.stages.push(stage);
    }
    if names.is_empty() {
        return Err(MapError::NoStages {
            table: table.name.clone(),
            there: table.columns.join(", "),
        });
    }
    let rest = (0..table.columns.len()).filter(|at| !used.contains(at));
    columns.attributes = rest.collect();
    Ok((columns, names))
}

/// What follows `Estado_`, as a stage may be called.
fn stage_name(service: &str) -> String {
    let mut name: String = service
        .chars()
        .map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
            _ => '_',
        })
        .take(63)
        .collect();
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        name.insert(0, 's');
    }
    name
}
