//! The network between an engine and its store: silence is an answer, too, and one engine's silence is nobody else's.

use crate::store::{database, open};
use carril_model::contract::{Fault, NodeInfo, Store};
use carril_model::time::Timestamp;
use carril_postgres::store::{PostgresStore, StoreOptions};
use carril_testkit::network::{Line, Loss};
use carril_testkit::postgres::{Cluster, Database};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const NOW: Timestamp = Timestamp(1_000_000);
/// Longest wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn through(line: &Line, database: &Database) -> String {
    let port = format!(":{}/", Cluster::get().port());
    database.url().replace(&port, &format!(":{}/", line.port()))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime
        .expect("a runtime needs no more than memory")
        .block_on(future)
}

fn enter(store: &PostgresStore, host: &str) {
    let node = NodeInfo {
        host: host.to_owned(),
        pid: 1,
        command: "test".to_owned(),
        lanes: None,
    };
    let entered = async { tokio::time::timeout(PATIENCE, store.enter(&node, NOW)).await };
    let entered = block_on(entered).expect("it enters in time");
    entered.expect("it enters");
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// One that is stopped in the middle of a commit holds the turnstile. The others' leases run on while they wait for it, so they must
/// not wait long; and the one itself must not wait for an answer that never comes.
#[test]
fn an_engine_that_falls_silent_at_its_commit_holds_nobody_up_for_long() {
    let database = database();
    let line = Line::to(Cluster::get().port());
    let options = StoreOptions {
        lease: Duration::from_secs(6),
        ..StoreOptions::default()
    };
    let stalls = PostgresStore::open(&through(&line, &database), &options).expect("it opens");
    let other = PostgresStore::open(&database.url(), &options).expect("it opens");
    enter(&stalls, "here");
    enter(&other, "there");
    line.loses(Loss::Silence);
    std::thread::scope(|scope| {
        let stuck = scope.spawn(|| block_on(stalls.beat(NOW)));
        until("its commit", || line.lost() == 1);
        let began = Instant::now();
        enter(&other, "there");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        enter(&stalls, "here");
        let stuck = stuck.join().expect("no panic");
        assert!(matches!(stuck, Err(Fault::Unavailable(_))), "{stuck:?}");
    });
    assert!(block_on(stalls.beat(NOW)).is_ok());
    assert!(block_on(other.beat(NOW)).is_ok());
}

/// Whoever no longer waits for a sign of life takes the store for lost: what was asked for besides must not wait for ever either.
#[test]
fn who_gives_up_a_sign_of_life_gives_up_all_that_waits_behind_it() {
    let database = database();
    let line = Line::to(Cluster::get().port());
    let url = through(&line, &database);
    let store = PostgresStore::open(&url, &StoreOptions::default()).expect("it opens");
    enter(&store, "here");
    line.loses(Loss::Silence);
    block_on(async {
        let waits = store.process(carril_model::id::ProcessId(1));
        let beats = async {
            let short = Duration::from_millis(500);
            assert!(tokio::time::timeout(short, store.beat(NOW)).await.is_err());
        };
        let both = async { tokio::join!(beats, waits) };
        let (_, asked) = tokio::time::timeout(PATIENCE, both)
            .await
            .expect("both end in time");
        assert!(matches!(asked, Err(Fault::Unavailable(_))), "{asked:?}");
    });
    let next = block_on(store.beat(NOW));
    assert!(
        next.is_ok(),
        "it is asked over a connection of its own: {next:?}"
    );
}

/// The same for what is asked outside of a transaction, as what time it is: nobody is to ask over that connection after it.
#[test]
fn a_question_that_is_given_up_leaves_its_connection() {
    let database = database();
    let line = Line::to(Cluster::get().port());
    let url = through(&line, &database);
    let store = PostgresStore::open(&url, &StoreOptions::default()).expect("it opens");
    enter(&store, "here");
    let neighbours = store.neighbours().expect("engines share it");
    block_on(neighbours.time()).expect("it is told");
    line.forget();
    block_on(async {
        let asks = neighbours.time();
        let beats = async {
            let short = Duration::from_millis(500);
            assert!(tokio::time::timeout(short, store.beat(NOW)).await.is_err());
        };
        let both = async { tokio::join!(asks, beats) };
        let (asked, ()) = tokio::time::timeout(PATIENCE, both)
            .await
            .expect("both end in time");
        assert!(matches!(asked, Err(Fault::Unavailable(_))), "{asked:?}");
    });
    let next = async { tokio::time::timeout(PATIENCE, store.beat(NOW)).await };
    let next = block_on(next).expect("it is answered");
    assert!(next.is_ok(), "{next:?}");
}

/// The network may forget the connection over which an engine enters again; who stops waiting may try anew, or end.
#[test]
fn who_gives_up_entering_may_enter_again() {
    let database = database();
    let line = Line::to(Cluster::get().port());
    let url = through(&line, &database);
    let store = PostgresStore::open(&url, &StoreOptions::default()).expect("it opens");
    enter(&store, "here");
    for then_ends in [false, true] {
        line.forget();
        let node = NodeInfo {
            host: "here".to_owned(),
            pid: 1,
            command: "test".to_owned(),
            lanes: None,
        };
        let entering = async {
            let short = Duration::from_millis(500);
            tokio::time::timeout(short, store.enter(&node, NOW)).await
        };
        assert!(block_on(entering).is_err(), "nobody answers");
        if !then_ends {
            enter(&store, "here");
        }
    }
    let began = Instant::now();
    drop(store);
    assert!(began.elapsed() < PATIENCE, "its thread ends");
}

/// A host that takes connections and says nothing keeps nobody from the next one.
#[test]
fn a_host_that_says_nothing_is_passed_over() {
    let database = database();
    drop(open(&database.url()));
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = silent.local_addr().expect("it has an address").port();
    let server = Cluster::get().port();
    let url = database
        .url()
        .replace(
            &format!("127.0.0.1:{server}/"),
            &format!("127.0.0.1:{port},127.0.0.1:{server}/"),
        )
        .replace('?', "?connect_timeout=1&");
    let began = Instant::now();
    let store = PostgresStore::open(&url, &StoreOptions::default()).expect("the next one answers");
    enter(&store, "here");
    assert!(began.elapsed() < Duration::from_secs(20));

    let nobody = format!("postgres://postgres@127.0.0.1:{port}/nobody?connect_timeout=1");
    let refused = PostgresStore::open(&nobody, &StoreOptions::default());
    assert_eq!(
        refused.err().map(|error| error.code()),
        Some("CAR0631"),
        "nobody else is there"
    );
}
