//! Files as people write them, right and wrong; every mistake is told with its place.

use super::*;

fn parse(text: &str) -> Result<Settings, Vec<String>> {
    let told = |findings: Vec<Finding>| {
        let short = |finding: &Finding| {
            let place = finding.place.as_ref().map_or_else(String::new, |place| {
                format!("{}:{}+{} ", place.line, place.column, place.length)
            });
            format!("{place}{} {}", finding.code, finding.message)
        };
        findings.iter().map(short).collect()
    };
    let read = Settings::parse(text, Path::new("/work-folder"));
    if read.is_ok() {
        let tree: toml::Table = text.parse().expect("it was read");
        let value = serde_json::to_value(tree).expect("it has no dates");
        let said = jsonschema::validate(&Settings::schema(), &value);
        assert!(said.is_ok(), "the schema refuses {text}: {said:?}");
    }
    read.map_err(told)
}

#[test]
fn paths_are_relative_to_the_file_and_references_stay() {
    let settings = parse("store = \"state/carril.db\"\n[targets]\nwarehouse = \"sqlite:warehouse.db\"\nother = \"sqlite:${env:OTHER}\"\n").expect("it is right");
    assert_eq!(
        settings.store,
        Some(Location::File("/work-folder/state/carril.db".into()))
    );
    assert_eq!(
        settings.targets["warehouse"],
        "sqlite:/work-folder/warehouse.db"
    );
    assert_eq!(settings.targets["other"], "sqlite:${env:OTHER}");
}

#[test]
fn an_empty_file_sets_nothing_and_the_store_is_beside_the_caller() {
    let settings = parse("").expect("it is right");
    assert_eq!(settings, Settings::default());
    assert_eq!(
        settings.store_or_default(Path::new("/here")),
        Location::File("/here/carril.db".into())
    );
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let wrong = parse(
        "stor = 1\nstore = \"mysql:x\"\n[targets]\na = 1\nb = \"sqlite:${env:}\"\nc = \"b.db\"\n",
    )
    .expect_err("it is wrong");
    assert_eq!(wrong.len(), 5, "{wrong:#?}");
    assert!(
        wrong
            .iter()
            .any(|line| line == "1:1+4 CAR0122 there is no key `stor` in a carril.toml"),
        "{wrong:#?}"
    );
    assert!(
        wrong
            .iter()
            .any(|line| line.starts_with("2:9+9 CAR0702 `mysql:x` names no store")),
        "{wrong:#?}"
    );
    assert!(
        wrong.iter().any(|line| line.starts_with("4:5+1 CAR0122")),
        "{wrong:#?}"
    );
    assert!(
        wrong
            .iter()
            .any(|line| line.starts_with("5:13+7 CAR0124 `${env:}` is no reference")),
        "{wrong:#?}"
    );
    assert!(
        wrong
            .iter()
            .any(|line| line.starts_with("6:5+6 CAR0123 `b.db` is no URL of a target")),
        "{wrong:#?}"
    );
}

#[test]
fn a_store_on_a_server_is_taken_and_its_password_only_as_a_reference() {
    let settings = parse("store = \"postgres://carril:${env:SECRET}@db/shop\"\n");
    let store = settings.expect("it is right").store;
    let url = "postgres://carril:${env:SECRET}@db/shop".to_owned();
    assert_eq!(store, Some(Location::Postgres(url)));
    for text in [
        "postgres://carril:geheim@db/shop",
        "postgres://db/shop?user=carril&password=geheim",
    ] {
        let wrong = parse(&format!("store = \"{text}\"\n")).expect_err("a password is in it");
        assert!(
            wrong[0].contains("CAR0702") && wrong[0].contains("written out"),
            "{wrong:#?}"
        );
        assert!(!wrong[0].contains("geheim"), "{wrong:#?}");
    }
    let wrong = parse("store = \"postgres://${env:}@db/shop\"\n").expect_err("it is wrong");
    assert!(wrong[0].starts_with("1:21+7 CAR0124"), "{wrong:#?}");
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    let wrong = parse("store = carril.db\n").expect_err("it is wrong");
    assert!(
        wrong[0].starts_with("1:9+") && wrong[0].contains("CAR0121 this is not TOML"),
        "{wrong:#?}"
    );
}

#[test]
fn arguments_go_before_the_file() {
    let mut settings =
        parse("store = \"a.db\"\n[targets]\nw = \"sqlite:a.db\"\n").expect("it is right");
    settings
        .set_target("w=sqlite:b.db", Path::new("/elsewhere"))
        .expect("it is right");
    settings
        .set_store("b.db", Path::new("/elsewhere"))
        .expect("it is right");
    assert_eq!(settings.targets["w"], "sqlite:/elsewhere/b.db");
    assert_eq!(
        settings.store,
        Some(Location::File("/elsewhere/b.db".into()))
    );
    for (argument, code) in [
        ("w", "CAR0125"),
        ("=sqlite:x.db", "CAR0125"),
        ("w=x.db", "CAR0123"),
        ("w=sqlite:${x}", "CAR0123"),
    ] {
        assert_eq!(
            settings
                .set_target(argument, Path::new("/"))
                .expect_err(argument)
                .code(),
            code,
            "{argument}"
        );
    }
}

#[test]
fn the_first_folder_with_a_file_counts() {
    let (first, second) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    std::fs::write(second.path().join("carril.toml"), "store = \"here.db\"\n")
        .expect("it is written");
    let found = Settings::find(&[first.path(), second.path()]).expect("it is right");
    assert_eq!(
        found.store,
        Some(Location::File(second.path().join("here.db")))
    );
    std::fs::create_dir(first.path().join("carril.toml")).expect("it is made");
    let wrong = Settings::find(&[first.path(), second.path()]).expect_err("a folder is no file");
    assert_eq!(wrong[0].code, "CAR0120");
    assert_eq!(
        Settings::find(&[]).expect("nothing is right"),
        Settings::default()
    );
}

#[test]
fn how_long_things_are_kept_has_a_unit() {
    let settings = parse("[retention]\nhistory = \"2d\"\nworkspaces = \"forever\"\n");
    let kept = settings.expect("it is right").retention;
    let two_days = Some(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!((kept.history, kept.workspaces), (two_days, None));
    for wrong in [
        "0d",
        "-1d",
        "d",
        "1.5d",
        "9999999d",
        "99999999999999999999h",
        "2 d",
        "2w",
        "",
    ] {
        assert!(retention(wrong).is_err(), "{wrong}");
    }
    let wrong = parse("retention = 1\n").expect_err("it is wrong");
    assert_eq!(wrong, ["1:13+1 CAR0122 `retention` is a table"]);
    let wrong = parse("[retention]\nlogs = \"1d\"\nhistory = 5\nworkspaces = \"5\"\n");
    assert_eq!(
        wrong.expect_err("it is wrong"),
        [
            "3:11+1 CAR0122 how long `history` is kept cannot be read",
            "2:1+4 CAR0122 there is no key `logs` in `[retention]`",
            "4:14+3 CAR0122 how long `workspaces` is kept cannot be read",
        ]
    );
}

#[test]
fn calls_and_secrets_are_read_and_told_without_what_is_secret() {
    let settings = parse(
        "[http]\nallow = [\"127.0.0.1:80\", \"10.0.0.0/8\"]\n[secrets]\ntoken = \"${env:TOKEN}\"\n",
    )
    .expect("it is right");
    let expected = HttpSettings::default()
        .allow("127.0.0.1:80")
        .and_then(|settings| settings.allow("10.0.0.0/8"))
        .and_then(|settings| settings.secret("token", "${env:TOKEN}"))
        .expect("it is right");
    assert_eq!(settings.http, expected);

    let wrong = Settings::parse(
        "[http]\nallow = [\"http://x\", 1]\ndeny = []\n[secrets]\ntoken = \"c4n4ry\"\nother = 1\n",
        Path::new("/work-folder"),
    )
    .expect_err("it is wrong");
    assert_eq!(wrong.len(), 5, "{wrong:#?}");
    assert!(wrong.iter().all(|finding| finding.place.is_some()));
    assert!(!format!("{wrong:?}").contains("c4n4ry"), "{wrong:?}");
    let codes: Vec<&str> = wrong.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == "CAR0124").count(),
        1,
        "{codes:?}"
    );
    for text in ["http = 1\n", "secrets = 1\n", "[http]\nallow = \"x\"\n"] {
        let wrong = parse(text).expect_err(text);
        assert!(
            wrong.len() == 1 && wrong[0].contains("CAR0122"),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_server_has_an_address_and_names() {
    let text = "[server]\nlisten = \"0.0.0.0:80\"\ntokens = \"always\"\nhosts = [\"carril.test\"]\norigins = [\"https://x.test\"]\n";
    let settings = parse(text).expect("it is right");
    let wanted = ServerSettings {
        listen: "0.0.0.0:80".parse().expect("an address"),
        tokens_always: true,
        hosts: vec!["carril.test".to_owned()],
        origins: vec!["https://x.test".to_owned()],
        ..ServerSettings::default()
    };
    assert_eq!(settings.server, wanted);
    let wrong = [
        "server = 1\n",
        "[server]\nlisten = \"localhost\"\n",
        "[server]\nlisten = 80\n",
        "[server]\ntokens = \"never\"\n",
        "[server]\nhosts = \"carril.test\"\n",
        "[server]\norigins = [1]\n",
        "[server]\nport = 80\n",
    ];
    for text in wrong {
        let told = parse(text).expect_err(text);
        assert!(told.len() == 1 && told[0].contains("CAR0122"), "{told:?}");
    }
}

#[test]
fn how_an_engine_shares_its_store_is_read() {
    let settings =
        parse("[engine]\nlanes = 7\nlease = \"2m\"\nnotify = false\n").expect("it is right");
    let expected = EngineSettings {
        lanes: Some(7),
        lease: std::time::Duration::from_secs(120),
        notify: false,
    };
    assert_eq!(settings.engine, expected);
    for lease in ["1s", "009s", "599s", "600s", "10m"] {
        parse(&format!("[engine]\nlease = \"{lease}\"\n")).expect(lease);
    }
    let wrong = parse("[engine]\nlease = \"1h\"\nnotify = 1\n").expect_err("it is wrong");
    assert_eq!(
        wrong,
        [
            "2:9+4 CAR0122 `lease` is a text: whole seconds or minutes, from `1s` to `10m`",
            "3:10+1 CAR0122 `notify` is true or false",
        ]
    );
}

#[test]
fn what_the_old_routes_launch_is_read() {
    let text = "[server]\nprocesos_v3 = false\n[server.procesos]\npipeline = \"funds\"\nsunset = \"2027-06-30\"\n";
    let procesos = parse(text).expect("it is right").server.procesos;
    let expected = ProcesosSettings {
        pipeline: Some("funds".to_owned()),
        sunset: Some("2027-06-30".to_owned()),
        v3: false,
        ..ProcesosSettings::default()
    };
    assert_eq!(procesos, expected);
    assert_eq!(procesos.parameter, "report_date");
    let sunset = procesos.sunset_of_http();
    assert_eq!(sunset.as_deref(), Some("Wed, 30 Jun 2027 00:00:00 GMT"));
    let closed = "[server]\nprocesos_v2 = false\n[server.procesos]\npipeline = \"funds\"\nparameter = \"dia\"\n";
    let closed = parse(closed).expect("it is right").server.procesos;
    assert_eq!((closed.v2, closed.parameter.as_str()), (false, "dia"));
    let wrong = [
        "[server]\nprocesos = 1\n",
        "[server]\nprocesos_v2 = 1\n",
        "[server.procesos]\nparameter = \"dia\"\n",
        "[server.procesos]\npipeline = \"funds\"\n",
        "[server.procesos]\npipeline = \"\"\nsunset = \"2027-06-30\"\n",
        "[server]\nprocesos_v2 = false\n[server.procesos]\npipeline = 7\n",
        "[server]\nprocesos_v2 = false\n[server.procesos]\npipeline = \"f\"\nsunset = \"2027-02-30\"\n",
        "[server]\nprocesos_v2 = false\n[server.procesos]\npipeline = \"f\"\nday = \"2027-02-01\"\n",
    ];
    for text in wrong {
        let told = parse(text).expect_err(text);
        assert!(told.iter().all(|told| told.contains("CAR0122")), "{told:?}");
    }
}
