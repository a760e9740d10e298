//! Every host is asked as if it were the only one.

use super::each;
use crate::address::Address;

fn addressed(url: &str) -> Vec<String> {
    let address = Address::parse(url).expect("it is right");
    let shown = |config: &tokio_postgres::Config| format!("{config:?}");
    each(&address.config).iter().map(shown).collect()
}

#[test]
fn each_host_is_as_if_it_were_the_only_one() {
    let (first, last) = (
        "postgres://u:p@",
        "/d?sslmode=require&application_name=x&options=-cgeqo%3Doff&target_session_attrs=read-write&connect_timeout=3",
    );
    let both = addressed(&format!("{first}one:1,two:2{last}"));
    let apart = [
        addressed(&format!("{first}one:1{last}")),
        addressed(&format!("{first}two:2{last}")),
    ];
    assert_eq!(both, apart.concat());
}

#[test]
fn one_host_and_hosts_by_chance_stay_as_they_are() {
    for url in [
        "postgres://u@one/d",
        "postgres://u@one,two/d?load_balance_hosts=random",
    ] {
        assert_eq!(addressed(url).len(), 1, "{url}");
    }
}
