//! The cluster that tests share is there, and gives each test a database of its own.

use carril_testkit::postgres::Cluster;

#[test]
fn each_test_has_a_database_of_its_own() {
    let cluster = Cluster::get();
    let make = |url: &str| {
        assert!(url.starts_with("postgres://"), "{url}");
        cluster.sql_in("address_template", "CREATE TABLE t AS SELECT 1 AS a");
    };
    let (one, other) = (
        cluster.database_like("address_template", make),
        cluster.database_like("address_template", |_| panic!("it is made once")),
    );
    one.sql("INSERT INTO t VALUES (2)");
    assert_eq!(one.sql("SELECT count(*) FROM t").trim(), "2");
    assert_eq!(other.sql("SELECT count(*) FROM t").trim(), "1");
}
