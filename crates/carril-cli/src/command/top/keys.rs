//! What keys do: a small state of its own, without a terminal and without a store. Pure.

use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What somebody wants of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Pause,
    Resume,
    Cancel,
}

impl Change {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
}

/// How lanes are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Longest in what they are at, first.
    #[default]
    Waiting,
    /// Longest since their start, first.
    Slowest,
    /// By the entity's key.
    Entity,
}

impl Sort {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "longest in it",
            Self::Slowest => "slowest",
            Self::Entity => "entity",
        }
    }
}

/// What a key asks the loop to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    Quit,
    NextProcess,
    Why,
    Change(Change),
}

/// What the keys have set.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) sort: Sort,
    /// Only lanes whose entity, step or cause has this in it.
    pub(super) filter: String,
    typing: bool,
    at: usize,
    asking: Option<Change>,
    told: Vec<String>,
    said: Option<String>,
}

impl Keys {
    /// The lane that is chosen, by its place in the list.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The list has so many lanes now.
    pub(super) fn keep_within(&mut self, lanes: usize) {
        self.at = self.at.min(lanes.saturating_sub(1));
    }

    /// Shows these lines over the picture until a key is pressed.
    pub(super) fn tell(&mut self, lines: Vec<String>) {
        self.told = lines;
    }

    /// The lines that are shown over the picture.
    pub(super) fn told(&self) -> &[String] {
        &self.told
    }

    /// Says something in the last line.
    pub(super) fn say(&mut self, text: String) {
        self.said = Some(text);
    }

    /// The last line.
    pub(super) fn last_line(&self) -> String {
        if let Some(change) = self.asking {
            return format!("{} this process? y: yes, any other key: no", change.name());
        }
        if self.typing {
            return format!("show only: {}_   Enter: done, Esc: all", self.filter);
        }
        let help = "q quit  ↑↓ pick  ⏎ why  s sort  / find  n next  p pause  r resume  c cancel";
        self.said.clone().unwrap_or_else(|| help.to_owned())
    }

    /// A key was pressed.
    pub(super) fn press(&mut self, key: KeyEvent) -> Act {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Act::Quit;
        }
        if let Some(change) = self.asking.take() {
            return if key.code == KeyCode::Char('y') {
                Act::Change(change)
            } else {
                self.say("nothing was changed".to_owned());
                Act::Nothing
            };
        }
        if self.typing {
            self.type_filter(key.code);
            return Act::Nothing;
        }
        self.said = None;
        if !self.told.is_empty() {
            self.told.clear();
            return Act::Nothing;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Act::Quit,
            KeyCode::Char('n') | KeyCode::Tab => return Act::NextProcess,
            KeyCode::Enter => return Act::Why,
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at += 1,
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('s') => {
                self.sort = match self.sort {
                    Sort::Waiting => Sort::Slowest,
                    Sort::Slowest => Sort::Entity,
                    Sort::Entity => Sort::Waiting,
                };
            }
            KeyCode::Char('p') => self.asking = Some(Change::Pause),
            KeyCode::Char('r') => self.asking = Some(Change::Resume),
            KeyCode::Char('c') => self.asking = Some(Change::Cancel),
            _ => {}
        }
        Act::Nothing
    }

    fn type_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
    }
}
