//! Cells as the rest of the example sees them. Whole workbooks are read in `tests/it`.

use super::*;

#[test]
fn cells_become_text_or_number_or_nothing() {
    let check = |data: Data, expected: Cell| assert_eq!(plain(&data), expected);
    check(Data::Int(3), Cell::Number(3.0));
    check(Data::Float(-0.5), Cell::Number(-0.5));
    check(
        Data::String(" $0.00% ".to_owned()),
        Cell::Text("$0.00%".to_owned()),
    );
    check(Data::String("  \r\n".to_owned()), Cell::Empty);
    check(Data::Empty, Cell::Empty);
    check(
        Data::Error(calamine::CellErrorType::Ref),
        Cell::Text("#REF!".to_owned()),
    );
}

#[test]
fn a_row_is_endless_to_the_right() {
    let row = Row {
        number: 1,
        cells: vec![Cell::Number(1.0)],
    };
    assert_eq!(row.cell(0), &Cell::Number(1.0));
    assert_eq!(row.cell(100), &Cell::Empty);
}

#[test]
fn what_is_no_workbook_is_refused_by_name() {
    let ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing more";
    for (bytes, kind) in [
        (ole.as_slice(), Kind::Xls),
        (b"PK\x03\x04 and nothing more", Kind::Xlsx),
    ] {
        let error = read("broken.xls", bytes, kind, Limits::default()).expect_err("it is broken");
        assert!(
            error.to_string().contains("`broken.xls` is no workbook"),
            "{error}"
        );
    }
}
