//! The picture is small, whole, and says what it was given.

use super::{Kind, Row, grouped, svg};

fn rows() -> Vec<Row<'static>> {
    let row = |name, kind, seconds, right_percent, counts| Row {
        name,
        kind,
        seconds,
        right_percent,
        counts,
    };
    vec![
        row("one shared id", Kind::Control, 80.0, 21, [1_234, 25, 310]),
        row("one & <after> another", Kind::Plain, 40.0, 100, [0, 0, 0]),
        row("Carril", Kind::Carril, 20.0, 100, [0, 0, 0]),
    ]
}

/// The names of elements that are open at the end, or closed without being open.
fn unbalanced(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("every tag ends");
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or("");
        if tag.starts_with('/') {
            if open.last().map(String::as_str) != Some(name) {
                return vec![format!("/{name}")];
            }
            open.pop();
        } else if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    open
}

#[test]
fn it_is_whole_and_small() {
    let picture = svg("Tenants & rows", "50 tenants", &rows(), "two cores");
    assert_eq!(unbalanced(&picture), Vec::<String>::new());
    assert!(picture.len() < 10_000, "{} bytes", picture.len());
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert!(!picture.contains("<after>"));
}

#[test]
fn bars_are_as_long_as_their_times() {
    let picture = svg("h", "s", &rows(), "n");
    for width in ["width=\"190.0\"", "width=\"95.0\"", "width=\"47.5\""] {
        assert!(picture.contains(width), "{width} in {picture}");
    }
    let nothing = [Row {
        seconds: 0.0,
        ..rows().remove(0)
    }];
    assert!(svg("h", "s", &nothing, "n").contains("width=\"2.0\""));
}

#[test]
fn who_does_not_see_it_is_told_the_same() {
    let picture = svg("h", "50 tenants", &rows(), "n");
    let told = "50 tenants. one shared id: 80 s per 1,000 runs, 21 % right, 1,234 deadlocks, 25 errors, 310 wrong.";
    assert!(picture.contains(told), "{picture}");
    assert!(picture.contains("role=\"img\"") && picture.contains("prefers-color-scheme:dark"));
}

#[test]
fn counts_are_marked_by_whether_they_are_zero() {
    let picture = svg("h", "s", &rows(), "n");
    assert!(picture.contains("class=\"e bad\" x=\"584\" y=\"137\">1,234<"));
    assert!(picture.contains("class=\"e good\" x=\"584\" y=\"229\">0<"));
}

#[test]
fn thousands_are_apart() {
    let shown: Vec<String> = [0, 999, 1_000, 1_234_567].map(grouped).to_vec();
    assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
}
