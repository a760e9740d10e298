//! Tables are as wide as their cells, one line a row, and coloured by the whole word.

use super::{Table, cut, one_line};
use crate::output::paint::Tone;

fn plain(table: &Table) -> String {
    anstream::adapter::strip_str(&table.render()).to_string()
}

#[test]
fn columns_line_up_and_numbers_stand_right() {
    let mut table = Table::new(&["NAME", ">ROWS", "NOTE"]);
    table.row(&["a".to_owned(), "12".to_owned(), "x".to_owned()]);
    table.row(&["longer".to_owned(), "3".to_owned(), String::new()]);
    assert_eq!(
        plain(&table),
        "NAME    ROWS  NOTE\na         12  x\nlonger     3"
    );
}

#[test]
fn a_cell_is_one_line() {
    let mut table = Table::new(&["A"]);
    table.row(&["first\n  second\tthird".to_owned()]);
    assert_eq!(plain(&table), "A\nfirst second third");
}

#[test]
fn only_the_cell_has_its_tone() {
    let mut table = Table::new(&["NAME", "STATE"]);
    table.toned(&["x".to_owned(), "failed".to_owned()], 1, Tone::Bad);
    let drawn = table.render();
    assert!(drawn.ends_with("\u{1b}[31mfailed\u{1b}[0m"), "{drawn:?}");
}

#[test]
fn long_texts_are_cut_where_characters_end() {
    assert_eq!(cut("añejo", 5), "añejo");
    assert_eq!(cut("añejos", 5), "añej…");
    assert_eq!(one_line(&"x".repeat(300)).chars().count(), 100);
}
