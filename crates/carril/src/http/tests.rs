//! Which entries and secrets are taken, and that a secret is resolved when it is asked for, by whoever has the lookup.

use super::*;
use carril_engine::clock::SystemClock;

#[test]
fn what_makes_no_sense_is_not_taken() {
    let settings = HttpSettings::default;
    assert!(settings().allow("10.0.0.0/8").is_ok());
    let error = settings().allow("http://host").expect_err("no entry");
    assert!(error.to_string().contains("is neither"), "{error}");
    for (name, text, expected) in [
        ("token", "abc", "is written out"),
        ("token", "${env:}", "is no reference"),
        ("token", "${env:A", "has no `}`"),
        ("to ken", "${env:A}", "cannot be called"),
        ("", "${env:A}", "cannot be called"),
    ] {
        let error = settings().secret(name, text).expect_err(name);
        assert!(
            error.to_string().contains(expected),
            "{name} {text}: {error}"
        );
    }
}

#[test]
fn secrets_are_resolved_when_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    let settings = HttpSettings::default()
        .secret("token", "${env:TOKEN}")
        .and_then(|settings| settings.secret("both", "${env:TOKEN}-${file:key}"))
        .and_then(|settings| settings.secret("gone", "${env:GONE}"))
        .expect("they are references");
    let written = format!("{settings:?}");
    let lookup = |name: &str| (name == "TOKEN").then(|| "s3cr3t".to_owned());
    let targets = Targets::new(
        folder.path(),
        folder.path(),
        Arc::new(lookup),
        Arc::new(SystemClock::default()),
    );
    let options = settings.into_options(targets);
    assert_eq!((options.secrets)("token").as_deref(), Ok("s3cr3t"));
    assert!((options.secrets)("both").is_err_and(|why| why.contains("${file:key}")));
    std::fs::write(key, "more\n").expect("the folder is writable");
    assert_eq!((options.secrets)("both").as_deref(), Ok("s3cr3t-more"));
    assert!((options.secrets)("gone").is_err_and(|why| why.contains("no variable GONE")));
    assert!((options.secrets)("none").is_err_and(|why| why.contains("no secret `none`")));
    assert!(!written.contains("s3cr3t") && !format!("{options:?}").contains("s3cr3t"));
}

#[test]
fn a_secret_that_is_not_there_is_told_before_it_is_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"
name = "notify"
[entities]
list = ["A"]
[[stage]]
name = "work"
step = [
  { name = "a", noop = true },
  { name = "b", http = { method = "GET", url = "https://example.org", headers = { X = "${secret:here} ${secret:gone}" } } },
]
"#;
    std::fs::write(folder.path().join("pipeline.toml"), text).expect("the folder is writable");
    let loaded = crate::pipeline::load_dir(folder.path());
    let settings = HttpSettings::default()
        .secret("here", "${env:HERE}")
        .expect("it is a reference");
    let findings = settings.check(&loaded);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].code, "CAR0534");
    assert!(
        findings[0].message.contains("no secret `gone`"),
        "{findings:?}"
    );
    let place = findings[0].place.as_ref().expect("it is written somewhere");
    let column = place
        .source
        .find("${secret:gone}")
        .expect("the line is shown")
        + 1;
    assert_eq!((place.line, place.column as usize), (9, column));
    assert_eq!(HttpSettings::default().check(&loaded).len(), 2);
}
