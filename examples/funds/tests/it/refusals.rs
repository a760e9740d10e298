//! Bad input from outside, through the library and through the program: one clear error, and nothing half done.

use crate::runner::{SOURCES, Warehouse, dump};
use crate::workbooks::{prices, workbook, write_documents, xlsx, zip_of};
use funds_example::{Limits, LoadError, LoadOptions, load};
use std::fs;
use std::process::{Command, Output};

fn funds_load(warehouse: &Warehouse, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_funds-load"))
        .arg("--into")
        .arg(&warehouse.path)
        .args(arguments)
        .current_dir(warehouse.folder.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn one_bad_document_among_good_ones_loads_nothing() {
    let check = |name: &str, bytes: &[u8], parts: &[&str]| {
        let warehouse = Warehouse::new();
        let folder = write_documents(&warehouse);
        fs::write(folder.join(name), bytes).unwrap();
        let error = load(&warehouse.path, &[folder], LoadOptions::default())
            .expect_err("it is bad")
            .to_string();
        for part in parts.iter().chain([&name]) {
            assert!(error.contains(part), "`{error}` lacks `{part}`");
        }
        assert!(
            !warehouse.path.exists(),
            "a file that was not there before is not there after"
        );
    };
    check(
        "z.md",
        b"# Notes\n",
        &["begins with `# Notes`", "Looked for", "--skip-unknown"],
    );
    check(
        "z.csv",
        b"Date,Country,Exchange rate\n",
        &["Date,Country,Exchange rate"],
    );
    check(
        "z.xls",
        &xlsx(&[("BANPSU", vec![vec!["a"]])]),
        &["without an index of funds", "`BANPSU`"],
    );
    check(
        "z.csv",
        prices("31-Mai-2024", "1").as_bytes(),
        &["line 2", "31-Mai-2024"],
    );
    check(
        "z.zip",
        &zip_of(&[("inner.bin", b"\x00\x01")]),
        &["z.zip > inner.bin", "neither text nor a workbook"],
    );
    check(
        "z.xlsx",
        &workbook("Juno 30,2024", "1", "1", "1"),
        &["sheet `MIXED`, row 2", "Juno 30,2024"],
    );
    check(
        "z.xlsx",
        &workbook("June 30,2024", "1", "one", "1"),
        &["sheet `MIXED`, row 6", "`one`"],
    );
}

#[test]
fn a_failed_load_leaves_a_warehouse_as_it_was() {
    let warehouse = Warehouse::new();
    let folder = write_documents(&warehouse);
    load(
        &warehouse.path,
        std::slice::from_ref(&folder),
        LoadOptions::default(),
    )
    .unwrap();
    let before = dump(&warehouse.path, &SOURCES);
    fs::write(
        folder.join("june.xls"),
        workbook("June 30,2024", "7", "7", "7"),
    )
    .unwrap();
    fs::write(folder.join("z.txt"), "nonsense").unwrap();
    load(&warehouse.path, &[folder], LoadOptions::default()).expect_err("z.txt is nonsense");
    assert_eq!(before, dump(&warehouse.path, &SOURCES));
}

#[test]
fn a_workbook_with_too_many_cells_or_one_far_away_is_bounded() {
    let warehouse = Warehouse::new();
    let path = warehouse.folder.path().join("big.xlsx");
    fs::write(&path, workbook("June 30,2024", "1", "1", "1")).unwrap();
    let limits = Limits {
        cells: 50,
        ..Limits::default()
    };
    let options = LoadOptions {
        limits,
        ..LoadOptions::default()
    };
    let error =
        load(&warehouse.path, std::slice::from_ref(&path), options).expect_err("too many cells");
    assert!(
        error.to_string().contains("the limit is 50 cells"),
        "{error}"
    );
    // The last cell that a sheet can have: laid out whole, the sheet would take 17 billion cells.
    let far = br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>"#;
    let bytes = xlsx(&[("Far", vec![])]);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        let entry_name = entry.name().unwrap().into_owned();
        let is_sheet = entry_name.ends_with("sheet1.xml");
        entries.push((entry_name, if is_sheet { far.to_vec() } else { content }));
    }
    let entries: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    fs::write(&path, zip_of(&entries)).unwrap();
    let error = load(&warehouse.path, &[path], LoadOptions::default()).expect_err("no index");
    assert!(matches!(error, LoadError::Unknown { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_not_touched() {
    let warehouse = Warehouse::new();
    let folder = write_documents(&warehouse);
    fs::write(
        &warehouse.path,
        "these are my notes, and long enough for a header".repeat(10),
    )
    .unwrap();
    let before = fs::read(&warehouse.path).unwrap();
    let error = load(&warehouse.path, &[folder], LoadOptions::default()).expect_err("no database");
    assert!(error.to_string().contains("warehouse.db"), "{error}");
    assert_eq!(before, fs::read(&warehouse.path).unwrap());
}

#[test]
fn the_program_talks_on_stderr_and_gives_data_on_stdout() {
    let warehouse = Warehouse::new();
    write_documents(&warehouse);
    let output = funds_load(&warehouse, &["--json", "documents"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["documents"].as_array().unwrap().len(), 6);
    assert_eq!(json["documents"][3]["kind"], "statements");
    assert_eq!(json["documents"][3]["first_date"], "2024-06-30");
    let talk = text(&output.stderr);
    assert!(
        talk.contains("june.xls: statements of 2 funds, 11 rows, 2024-06-30"),
        "{talk}"
    );
    assert!(talk.contains("loaded 6 documents"), "{talk}");
    assert!(funds_load(&warehouse, &["documents"]).stdout.is_empty());
}

#[test]
fn the_program_makes_funds_up() {
    let mut warehouse = Warehouse::new();
    let output = funds_load(
        &warehouse,
        &["--generate", "7", "--date", "2025-09-30", "--json"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["generated"]["funds"], 7);
    assert_eq!(warehouse.run("2025-09-30"), 7);
}

#[test]
fn exit_codes_tell_usage_from_documents_from_the_machine() {
    let check = |arguments: &[&str], code: i32, part: &str| {
        let warehouse = Warehouse::new();
        let folder = write_documents(&warehouse);
        fs::write(folder.join("../notes.md"), "# Notes\n").unwrap();
        let output = funds_load(&warehouse, arguments);
        let talk = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(talk.contains(part), "`{talk}` lacks `{part}`");
        assert!(output.stdout.is_empty());
    };
    check(&["documents"], 0, "loaded 6 documents");
    check(
        &["documents", "notes.md", "--skip-unknown"],
        0,
        "notes.md: passed over",
    );
    check(&["documents", "notes.md"], 3, "nothing was loaded");
    check(&["no-such-file"], 1, "reading `no-such-file`");
    check(&[], 2, "required");
    check(&["documents", "--generate", "3"], 2, "cannot be used with");
    check(&["--generate", "0"], 2, "0 is not in 1..");
    check(
        &["--generate", "3", "--date", "30.06.2025"],
        2,
        "30.06.2025",
    );
}
