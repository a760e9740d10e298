//! Archives made in memory, nested and hostile ones, against the unpacker.

use super::*;
use std::io::Write as _;
use tempfile::TempDir;

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn xz_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 1)
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

/// Unpacks one file of this content; names are without the folder.
fn unpacked(name: &str, bytes: &[u8], limits: Limits) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder_unpacked(folder.path(), limits)
}

fn folder_unpacked(folder: &Path, limits: Limits) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    let mut found = Vec::new();
    let prefix = format!("{}/", folder.display());
    each_document(&[folder.to_owned()], limits, &mut |document| {
        let name = document.name.strip_prefix(&prefix).unwrap().to_owned();
        found.push((name, document.bytes));
        Ok(())
    })?;
    Ok(found)
}

fn names(found: &[(String, Vec<u8>)]) -> Vec<&str> {
    found.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn archives_are_opened_however_they_are_nested_and_called() {
    let inner = zip_of(&[("b.csv", b"b"), ("a.csv", b"a")]);
    let packed = xz_of(&tar_of(&[("day/1.csv", b"1"), ("month.dat", &inner)]));
    let outer = zip_of(&[("prices.bin", &packed), ("plain.csv", b"plain")]);
    let found = unpacked("download", &outer, Limits::default()).unwrap();
    assert_eq!(
        names(&found),
        [
            "download > prices.bin > day/1.csv",
            "download > prices.bin > month.dat > b.csv",
            "download > prices.bin > month.dat > a.csv",
            "download > plain.csv",
        ]
    );
    assert_eq!(found[1].1, b"b");
    assert_eq!(
        unpacked("x.csv.xz", &xz_of(b"text"), Limits::default()).unwrap()[0].1,
        b"text"
    );
}

#[test]
fn folders_are_walked_in_the_order_of_names_without_hidden_files() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("2024")).unwrap();
    fs::write(folder.path().join("2024/b.csv"), "b").unwrap();
    fs::write(folder.path().join("2024/a.csv"), "a").unwrap();
    fs::write(folder.path().join(".DS_Store"), "x").unwrap();
    fs::write(folder.path().join("~$open.xlsx"), "x").unwrap();
    let left_behind = zip_of(&[("__MACOSX/._c.csv", b"x"), ("c.csv", b"c")]);
    fs::write(folder.path().join("2025.zip"), left_behind).unwrap();
    let found = folder_unpacked(folder.path(), Limits::default()).unwrap();
    assert_eq!(
        names(&found),
        ["2024/a.csv", "2024/b.csv", "2025.zip > c.csv"]
    );
}

#[test]
fn a_workbook_is_one_document_although_it_is_a_zip() {
    let workbook = zip_of(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", b"<workbook/>"),
    ]);
    let found = unpacked("portfolio.xls", &workbook, Limits::default()).unwrap();
    assert_eq!(found, [("portfolio.xls".to_owned(), workbook)]);
}

#[test]
fn every_limit_ends_the_call_and_is_named() {
    let check = |bytes: &[u8], limits: Limits, part: &str| {
        let error = unpacked("x", bytes, limits)
            .expect_err("the limit holds")
            .to_string();
        assert!(error.contains(part), "`{error}` lacks `{part}`");
    };
    let zeros = vec![0; 3 << 20];
    let small = Limits {
        document_bytes: 1 << 20,
        ..Limits::default()
    };
    let workbook = zip_of(&[
        ("[Content_Types].xml", b""),
        ("xl/worksheets/sheet1.xml", &zeros),
    ]);
    for bomb in [
        zip_of(&[("bomb.csv", &zeros)]),
        xz_of(&zeros),
        xz_of(&tar_of(&[("bomb.csv", &zeros)])),
        workbook,
    ] {
        assert!(bomb.len() < 100_000, "the bomb is small while it is packed");
        check(&bomb, small, "the limit is 1 MiB");
    }
    check(&zeros, small, "the limit is 1 MiB");
    let mebibyte = vec![1; 1 << 20];
    let three = zip_of(&[("1", &mebibyte), ("2", &mebibyte), ("3", &mebibyte)]);
    check(
        &three,
        Limits {
            total_bytes: 2 << 20,
            ..Limits::default()
        },
        "the limit is 2 MiB",
    );
    check(
        &three,
        Limits {
            entries: 3,
            ..Limits::default()
        },
        "3 files in a call",
    );
    let nested = (0..9).fold(b"text".to_vec(), |inner, _| {
        zip_of(&[("inner.zip", &inner)])
    });
    check(
        &nested,
        Limits::default(),
        "8 archives or folders inside each other",
    );
}

#[test]
fn damaged_archives_are_named_with_what_they_should_be() {
    let check = |bytes: &[u8], format: &str| {
        let error = unpacked("broken", bytes, Limits::default())
            .expect_err("it is damaged")
            .to_string();
        assert!(
            error.contains(&format!("broken` is no {format} that can be unpacked")),
            "{error}"
        );
    };
    let text = (0..9000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    let zip = zip_of(&[("a", &text)]);
    check(&zip[..zip.len() / 2], "zip");
    let xz = xz_of(&text);
    check(&xz[..xz.len() / 2], "xz");
    let tar = tar_of(&[("a", &text)]);
    check(&tar[..1000], "tar");
}

#[test]
fn nothing_to_load_is_an_error() {
    let folder = TempDir::new().unwrap();
    let error = folder_unpacked(folder.path(), Limits::default()).expect_err("it is empty");
    assert!(matches!(error, LoadError::Nothing { .. }), "{error}");
    let missing = [folder.path().join("no-such-file")];
    let error =
        each_document(&missing, Limits::default(), &mut |_| Ok(())).expect_err("it is missing");
    assert!(error.to_string().contains("no-such-file"), "{error}");
}

#[test]
fn gzip_is_opened_alone_around_a_tar_and_in_members() {
    let found = unpacked("a.xml.gz", &gzip_of(b"<a/>"), Limits::default()).unwrap();
    assert_eq!(found, [("a.xml".to_owned(), b"<a/>".to_vec())]);
    let tar = gzip_of(&tar_of(&[("b.csv", b"one"), ("c.csv", b"two")]));
    let found = unpacked("b.tgz", &tar, Limits::default()).unwrap();
    assert_eq!(names(&found), ["b.tgz > b.csv", "b.tgz > c.csv"]);
    let members = [gzip_of(b"first "), gzip_of(b"second")].concat();
    let found = unpacked("d.gz", &members, Limits::default()).unwrap();
    assert_eq!(found[0].1, b"first second");
}

#[test]
fn gzip_that_was_cut_or_grows_too_large_is_refused() {
    let whole = gzip_of(&[7; 5_000]);
    let cut = unpacked("a.gz", &whole[..whole.len() - 9], Limits::default());
    assert!(matches!(
        cut,
        Err(LoadError::Archive { format: "gzip", .. })
    ));
    let limits = Limits {
        document_bytes: 1_000,
        ..Limits::default()
    };
    let large = unpacked("a.gz", &whole, limits);
    assert!(matches!(large, Err(LoadError::TooLarge { .. })));
}
