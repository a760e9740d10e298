//! The old names on the command line: in a file they are there, and on a server a schema is made when it is asked for.

use crate::place::bench;
use carril_testkit::postgres::Cluster;
use std::process::Command;

#[test]
fn a_store_in_a_file_has_the_old_names_in_itself() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let told = bench.run(&["store", "legacy-views"]).with(0);
    assert!(told.stdout.contains("logs_Procesos"), "{}", told.stdout);
    let asked = "select Estado, TotalFondos from logs_Procesos";
    let told = bench.run(&["sql", asked, "--json"]).with(0);
    assert!(told.stdout.contains("COMPLETADO"), "{}", told.stdout);
}

#[test]
fn a_store_on_a_server_shows_them_in_a_schema() {
    let bench = bench();
    let database = Cluster::get().database();
    let url = database.url();
    let carril = |words: &[&str], code: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carril"));
        command.args(words).args(["--store", &url]);
        let ended = command.current_dir(bench.path(".")).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        let talk = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(code), "{words:?}: {told}{talk}");
        (told, talk)
    };
    let warehouse = "warehouse=sqlite:warehouse.db";
    carril(&["run", "pipeline", "--target", warehouse], 0);
    let (told, _) = carril(&["store", "legacy-views"], 0);
    assert!(told.contains("logs.\"Procesos\""), "{told}");
    let done = "SELECT count(*) FROM logs.\"Ejecuciones\" WHERE \"Estado\" = 'COMPLETADO'";
    assert_eq!(database.sql(done).trim(), "3");
    database.sql("CREATE SCHEMA taken; CREATE TABLE taken.mine (a int)");
    let (_, talk) = carril(&["store", "legacy-views", "--schema", "taken"], 6);
    assert!(talk.contains("CAR0639"), "{talk}");
    carril(&["store", "legacy-views", "--remove"], 0);
    let left = database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'logs'");
    assert_eq!(left.trim(), "0");
}
