//! What a server acknowledged outlives every end.

use super::{End, OwnServer};

#[test]
fn what_was_committed_is_there_after_every_end() {
    let mut server = OwnServer::start(&["max_connections=20"]);
    server
        .sql("postgres", "create table kept (number integer)")
        .unwrap();
    for (number, end) in [End::Killed, End::Immediate, End::Fast]
        .into_iter()
        .enumerate()
    {
        let insert = format!("insert into kept values ({number})");
        server.sql("postgres", &insert).unwrap();
        server.end(end);
        assert!(server.sql("postgres", "select 1").is_err(), "it is down");
        server.run();
        let rows = server.sql("postgres", "select count(*) from kept").unwrap();
        assert_eq!(rows.trim(), (number + 1).to_string(), "{end:?}");
    }
}
