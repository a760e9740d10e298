//! One frame of `carril top`. Draws what it is given, on any size; colours only where they are wanted.

use super::keys::{Keys, Sort};
use super::picture::{Lane, Picture};
use crate::command::ps;
use crate::context::Context;
use crate::output::table::{cut, one_line};
use crate::output::{number, time};
use crate::report;
use carril::model::account::CauseKind;
use carril::model::contract::ProcessRow;
use carril::model::state::ProcessState;
use jiff::tz::TimeZone;
use ratatui_core::layout::Rect;
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::terminal::Frame;
use ratatui_core::text::Line;
use ratatui_core::widgets::Widget as _;
use ratatui_widgets::block::Block;
use ratatui_widgets::clear::Clear;
use ratatui_widgets::paragraph::{Paragraph, Wrap};

/// Processes, causes, failures and events that are shown at most.
const SHOWN: (usize, usize, usize, usize) = (4, 4, 2, 2);
/// Characters of the longest bar.
const BAR: u64 = 30;
/// Settled executions before a guess at the rest is worth saying.
const GUESS_AFTER: u64 = 5;

/// What is drawn, and how.
pub(super) struct View<'a> {
    pub(super) picture: &'a Picture,
    pub(super) zone: &'a TimeZone,
    pub(super) colours: bool,
}

impl<'a> View<'a> {
    pub(super) fn of(context: &'a Context, picture: &'a Picture) -> Self {
        Self {
            picture,
            zone: context.zone(),
            colours: context.output.colours_stderr(),
        }
    }

    fn style(&self, color: Color) -> Style {
        if self.colours {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    fn heading(&self, text: String) -> Line<'static> {
        Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
    }
}

/// The lanes in the order and with the filter that the keys have set.
pub(super) fn lanes<'a>(view: &View<'a>, keys: &Keys) -> Vec<&'a Lane> {
    let wanted = keys.filter.to_lowercase();
    let has = |lane: &&Lane| {
        lane.entity.to_lowercase().contains(&wanted) || lane.doing.to_lowercase().contains(&wanted)
    };
    let mut lanes: Vec<&Lane> = view.picture.lanes.iter().filter(has).collect();
    match keys.sort {
        Sort::Waiting => {
            lanes.sort_by_key(|lane| (lane.took.is_none(), std::cmp::Reverse(lane.micros)));
        }
        Sort::Slowest => lanes.sort_by_key(|lane| std::cmp::Reverse(lane.took)),
        Sort::Entity => lanes.sort_by(|one, other| one.entity.cmp(&other.entity)),
    }
    lanes
}

/// Draws all of it.
pub(super) fn frame(frame: &mut Frame<'_>, view: &View<'_>, keys: &Keys) {
    let area = frame.area();
    let height = usize::from(area.height);
    let mut lines = head(view);
    let tail = tail(view);
    let room = height.saturating_sub(lines.len() + tail.len() + 1);
    lines.extend(lane_lines(view, keys, room));
    lines.extend(tail);
    lines.truncate(height.saturating_sub(1));
    let body = Rect {
        height: area.height.saturating_sub(1),
        ..area
    };
    Paragraph::new(lines).render(body, frame.buffer_mut());
    let last = Rect {
        y: area.y + area.height.saturating_sub(1),
        height: area.height.min(1),
        ..area
    };
    let style = Style::new().add_modifier(Modifier::REVERSED);
    let text = format!("{:<1$}", keys.last_line(), usize::from(area.width));
    Paragraph::new(Line::styled(text, style)).render(last, frame.buffer_mut());
    if !keys.told().is_empty() {
        over(frame, keys);
    }
}

/// The chain of a lane's reasons, over the middle of the picture.
fn over(frame: &mut Frame<'_>, keys: &Keys) {
    let area = frame.area();
    let (width, height) = (
        area.width.saturating_sub(8),
        (area.height / 2).max(4).min(area.height),
    );
    let place = Rect {
        x: area.x + 4.min(area.width),
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let mut lines = Vec::new();
    lines.extend(keys.told().iter().enumerate().map(|(depth, sentence)| {
        let mark = if depth == 0 { "" } else { "└ " };
        Line::raw(format!("{}{mark}{sentence}", "  ".repeat(depth.min(6))))
    }));
    Clear.render(place, frame.buffer_mut());
    let around = Block::bordered().title("why?  (any key: back)");
    Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(around)
        .render(place, frame.buffer_mut());
}

fn head(view: &View<'_>) -> Vec<Line<'static>> {
    let picture = view.picture;
    let clock = time::local(picture.now, view.zone);
    let mut lines = vec![view.heading(format!("carril top  {clock}  {}", picture.engine))];
    let first = picture.at.saturating_sub(SHOWN.0 - 1);
    for (number, (row, worked)) in picture
        .processes
        .iter()
        .enumerate()
        .skip(first)
        .take(SHOWN.0)
    {
        let mark = if number == picture.at { '▸' } else { ' ' };
        let mut text = format!("{mark} {}", process(row, *worked));
        if number == picture.at && picture.auto {
            text.push_str(&format!("  lanes {} (auto)", row.lanes));
        }
        lines.push(Line::styled(text, view.style(colour(row.state))));
    }
    if picture.processes.is_empty() {
        lines.push(Line::raw("  no process yet; `carril run DIR` makes one"));
    }
    lines.push(Line::raw(""));
    if !picture.causes.is_empty() {
        lines.push(view.heading("where time goes now".to_owned()));
        let most = picture.causes.first().map_or(1, |(_, count)| *count).max(1);
        lines.extend(picture.causes.iter().take(SHOWN.1).map(|(cause, count)| {
            let length = usize::try_from((count * BAR).div_ceil(most)).unwrap_or(0);
            let bar = "█".repeat(length);
            let style = view.style(if *cause == CauseKind::Running {
                Color::Green
            } else {
                Color::Yellow
            });
            Line::styled(
                format!("  {:<16} {bar} {}", cause.name(), number::count(*count)),
                style,
            )
        }));
        lines.push(Line::raw(""));
    }
    lines
}

/// `3 funds  running  12 of 50, 1 failed  1 min 05 s  700 an hour  about 3 min left`.
fn process(row: &ProcessRow, worked: i64) -> String {
    let tally = &row.tally;
    let mut parts = vec![
        format!("{} {}", row.id, cut(&row.pipeline, 20)),
        ps::state(row),
        ps::tally(tally),
        time::span(worked),
    ];
    if let Some(hour) = report::pace(row, worked) {
        parts.push(format!("{} an hour", number::count(hour)));
    }
    let (settled, worked) = (tally.settled(), worked.max(1));
    let left = tally.total.saturating_sub(settled);
    if row.state == ProcessState::Running && left > 0 && settled >= GUESS_AFTER {
        let rest = i128::from(worked) * i128::from(left) / i128::from(settled);
        parts.push(format!(
            "about {} left",
            time::span(i64::try_from(rest).unwrap_or(i64::MAX))
        ));
    }
    parts.join("  ")
}

fn lane_lines(view: &View<'_>, keys: &Keys, room: usize) -> Vec<Line<'static>> {
    let lanes = lanes(view, keys);
    if lanes.is_empty() && keys.filter.is_empty() || room < 2 {
        return Vec::new();
    }
    let filter = if keys.filter.is_empty() {
        String::new()
    } else {
        format!(", only `{}`", keys.filter)
    };
    let head = format!(
        "{:<26} {:>11} {:>11}  AT",
        format!("LANES by {}{filter}", keys.sort.name()),
        "FOR",
        "SINCE START"
    );
    let mut lines = vec![view.heading(head)];
    let shown = room - 1;
    let first = keys.at().saturating_sub(shown.saturating_sub(1));
    for (number, lane) in lanes.iter().enumerate().skip(first).take(shown) {
        let mark = if number == keys.at() { '▸' } else { ' ' };
        let took = lane.took.map_or_else(String::new, time::span);
        let name = cut(&format!("{} ({})", lane.entity, lane.id), 24);
        let text = format!(
            "{mark} {name:<24} {:>11} {took:>11}  {}",
            time::span(lane.micros),
            one_line(&lane.doing)
        );
        let style = view.style(if lane.cause == CauseKind::Running {
            Color::Reset
        } else {
            Color::Yellow
        });
        lines.push(Line::styled(text, style));
    }
    lines
}

fn tail(view: &View<'_>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let picture = view.picture;
    if !picture.failures.is_empty() {
        lines.push(view.heading("LAST FAILURES".to_owned()));
    }
    for row in picture.failures.iter().take(SHOWN.2) {
        let at = row
            .ended_at
            .map_or_else(String::new, |at| time::local_clock(at, view.zone));
        let error = row.error.as_ref().map_or_else(String::new, |error| {
            format!("{} [{}]", one_line(&error.message), error.code)
        });
        let name = row.entity.as_deref().unwrap_or("(process)");
        let step = row.failed_step.as_deref().unwrap_or_default();
        lines.push(Line::styled(
            format!("  {at} {name} ({}) {step}: {error}", row.id),
            view.style(Color::Red),
        ));
    }
    if !picture.events.is_empty() {
        lines.push(view.heading("NEWEST EVENTS".to_owned()));
    }
    let told = picture.events.iter().take(SHOWN.3);
    lines.extend(
        told.map(|(at, text)| Line::raw(format!("  {} {text}", time::local_clock(*at, view.zone)))),
    );
    lines
}

const fn colour(state: ProcessState) -> Color {
    match state {
        ProcessState::Failed => Color::Red,
        ProcessState::Paused | ProcessState::CompletedWithErrors => Color::Yellow,
        ProcessState::Succeeded => Color::Green,
        _ => Color::Reset,
    }
}
