//! Frames on a screen of 80 by 24, and keys; without a terminal and without a store.

use super::draw::{self, View};
use super::keys::{Act, Change, Keys};
use super::picture::{Lane, Picture};
use carril::model::account::CauseKind;
use carril::model::id::ExecutionId;
use carril::model::time::Timestamp;
use jiff::tz::TimeZone;
use ratatui_core::backend::TestBackend;
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

fn lane(id: i64, entity: &str, cause: CauseKind, doing: &str, micros: i64) -> Lane {
    Lane {
        id: ExecutionId(id),
        entity: entity.to_owned(),
        doing: doing.to_owned(),
        cause,
        micros,
        took: (cause != CauseKind::Queued).then_some(micros * 2),
    }
}

fn picture() -> Picture {
    let mut lanes = vec![
        lane(2, "ALDER", CauseKind::Running, "extract/rows", 1_500_000),
        lane(
            3,
            "BIRCH",
            CauseKind::Slot,
            "slot scales, held by ALDER",
            9_000_000,
        ),
        lane(4, "CEDAR", CauseKind::Queued, "queued", 60_000_000),
    ];
    lanes.extend((5..60).map(|id| lane(id, &format!("E{id}"), CauseKind::Queued, "queued", 1_000)));
    Picture {
        now: Timestamp(1_750_000_000_000_000),
        engine: "`carril run funds`, process 7 on night".to_owned(),
        processes: Vec::new(),
        at: 0,
        auto: false,
        causes: vec![
            (CauseKind::Queued, 56),
            (CauseKind::Running, 1),
            (CauseKind::Slot, 1),
        ],
        lanes,
        failures: Vec::new(),
        events: vec![(
            Timestamp(1_749_999_999_000_000),
            "ALDER began extract/rows".to_owned(),
        )],
    }
}

fn drawn(keys: &Keys, width: u16, height: u16) -> String {
    let picture = picture();
    let view = View {
        picture: &picture,
        zone: &TimeZone::UTC,
        colours: false,
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw::frame(frame, &view, keys))
        .unwrap();
    let buffer = terminal.backend().buffer();
    assert!(
        buffer
            .content
            .iter()
            .all(|cell| cell.fg == ratatui_core::style::Color::Reset),
        "no colour is wanted"
    );
    let lines = buffer.content.chunks(usize::from(width));
    lines
        .map(|line| {
            line.iter()
                .map(|cell| cell.symbol())
                .collect::<String>()
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

fn press(keys: &mut Keys, codes: &[KeyCode]) -> Act {
    let mut act = Act::Nothing;
    for code in codes {
        act = keys.press(KeyEvent::new(*code, KeyModifiers::NONE));
    }
    act
}

#[test]
fn a_picture_fits_80_by_24() {
    insta::assert_snapshot!(drawn(&Keys::default(), 80, 24));
}

#[test]
fn any_size_is_drawn_on() {
    let mut keys = Keys::default();
    keys.tell(vec![
        "BIRCH waits for scales".to_owned(),
        "ALDER has it".to_owned(),
    ]);
    for width in [1, 2, 7, 40, 200] {
        for height in [1, 2, 3, 5, 10, 90] {
            drawn(&Keys::default(), width, height);
            drawn(&keys, width, height);
        }
    }
}

#[test]
fn keys_sort_filter_and_choose() {
    let mut keys = Keys::default();
    press(&mut keys, &[KeyCode::Char('s'), KeyCode::Char('s')]);
    press(
        &mut keys,
        &[
            KeyCode::Char('/'),
            KeyCode::Char('s'),
            KeyCode::Char('L'),
            KeyCode::Char('o'),
            KeyCode::Enter,
        ],
    );
    let picture = picture();
    let view = View {
        picture: &picture,
        zone: &TimeZone::UTC,
        colours: true,
    };
    let names = |keys: &Keys| {
        draw::lanes(&view, keys)
            .iter()
            .map(|lane| lane.entity.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&keys), ["BIRCH"]);
    press(&mut keys, &[KeyCode::Char('/'), KeyCode::Esc]);
    assert_eq!(names(&keys)[..3], ["ALDER", "BIRCH", "CEDAR"]);
    press(&mut keys, &[KeyCode::Char('s')]);
    assert_eq!(
        names(&keys)[..3],
        ["BIRCH", "ALDER", "CEDAR"],
        "who has a lane comes first"
    );
    press(
        &mut keys,
        &[KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Up],
    );
    assert_eq!(keys.at(), 2);
    keys.keep_within(1);
    assert_eq!(keys.at(), 0);
    assert_eq!(press(&mut keys, &[KeyCode::Enter]), Act::Why);
}

#[test]
fn nothing_is_changed_without_a_yes() {
    let mut keys = Keys::default();
    assert_eq!(press(&mut keys, &[KeyCode::Char('c')]), Act::Nothing);
    assert!(keys.last_line().starts_with("cancel this process?"));
    assert_eq!(press(&mut keys, &[KeyCode::Enter]), Act::Nothing);
    assert_eq!(keys.last_line(), "nothing was changed");
    assert_eq!(
        press(&mut keys, &[KeyCode::Char('p'), KeyCode::Char('y')]),
        Act::Change(Change::Pause)
    );
    keys.tell(vec!["why".to_owned()]);
    assert_eq!(
        press(&mut keys, &[KeyCode::Char('q')]),
        Act::Nothing,
        "the first key only goes back"
    );
    assert_eq!(press(&mut keys, &[KeyCode::Char('q')]), Act::Quit);
}
