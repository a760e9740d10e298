//! Which file is run, and what is said when none is.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [
        ("first/tool", 0o644),
        ("second/tool", 0o755),
        ("second/other", 0o755),
    ] {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::create_dir(folder.path().join("first/other")).unwrap();
    folder
}

#[test]
fn the_first_that_can_be_run_is_found() {
    let folder = folder();
    let find = |program: &str, path: &str| find(program, folder.path(), OsStr::new(path));
    // What may not be executed and what is a folder are passed over.
    assert_eq!(
        find("tool", "first:second"),
        Ok(folder.path().join("second/tool"))
    );
    assert_eq!(
        find("other", "nowhere::first:second"),
        Ok(folder.path().join("second/other"))
    );
    assert_eq!(
        find("./second/tool", ""),
        Ok(folder.path().join("./second/tool"))
    );
    assert_eq!(find("/bin/sh", ""), Ok(PathBuf::from("/bin/sh")));
}

#[test]
fn a_failure_tells_what_was_tried() {
    let folder = folder();
    let failure =
        |program: &str, path: &str| find(program, folder.path(), OsStr::new(path)).unwrap_err();
    let missing = failure("tool", "first:nowhere");
    assert!(
        missing.contains("first/tool may not be executed"),
        "{missing}"
    );
    assert!(missing.contains("nowhere/tool is not there"), "{missing}");
    assert!(failure("second/none", "").contains("`second/none` is not there"));
    assert!(failure("./first/tool", "").contains("may not be executed"));
    assert!(failure("./first", "").contains("is not a file"));
    assert!(failure("tool", "").contains("PATH is empty"));
    // The working folder is not searched, not even through an empty entry.
    assert!(failure("tool", ":").contains("PATH is empty"));
    assert!(failure("", "second").contains("name is empty"));
}
