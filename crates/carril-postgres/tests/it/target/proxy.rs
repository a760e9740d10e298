//! A network between Carril and the server that cuts the line at the worst moment: while a commit is under way.
//!
//! It passes bytes on and looks for the message that says `commit`. Either the message never arrives, or it does and its
//! answer never comes back: the client cannot tell which, and the fence row can.

use super::fixture::*;
use carril_model::contract::ErrorClass;
use carril_testkit::postgres::Cluster;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SCHEMA: &str = "create table effects (execution bigint); create table work (id integer)";

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// The commit does not reach the server.
    Request,
    /// The commit reaches the server; its answer does not come back.
    Answer,
}

struct Proxy {
    port: u16,
    /// How many commits pass before one is cut; then all others pass.
    passes: Arc<AtomicU32>,
}

/// Never cut, once the count has gone below nothing.
const NEVER: u32 = u32::MAX;

impl Proxy {
    async fn start(cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let passes = Arc::new(AtomicU32::new(NEVER));
        let of_all = Arc::clone(&passes);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", Cluster::get().port()))
                    .await
                    .unwrap();
                tokio::spawn(pass(client, server, cut, Arc::clone(&of_all)));
            }
        });
        Self { port, passes }
    }

    /// Cuts the commit after so many others.
    fn cut_after(&self, commits: u32) {
        self.passes.store(commits, Ordering::SeqCst);
    }

    fn url(&self, house: &House) -> String {
        let port = format!(":{}/", Cluster::get().port());
        let through = house
            .database
            .url()
            .replace(&port, &format!(":{}/", self.port));
        // What is encrypted cannot be looked through.
        assert!(through.contains("sslmode=disable"), "{through}");
        through
    }
}

/// Passes bytes on in both directions until the cut.
async fn pass(client: TcpStream, server: TcpStream, cut: Cut, passes: Arc<AtomicU32>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        let bytes = &buffer[..count];
        // A simple query: its letter, its length, and its text with a zero at the end.
        let commit = bytes
            .windows(12)
            .position(|found| found == b"Q\0\0\0\x0bcommit\0");
        if let Some(at) = commit {
            let left = passes.load(Ordering::SeqCst);
            if left == 0 {
                passes.store(NEVER, Ordering::SeqCst);
                if cut == Cut::Answer {
                    // Nothing of what the server says from here on comes back.
                    back.abort();
                    let _ = to_server.write_all(&bytes[..at + 12]).await;
                    let _ = to_server.flush().await;
                }
                // Dropping both ends cuts the line.
                return;
            }
            if left != NEVER {
                passes.store(left - 1, Ordering::SeqCst);
            }
        }
        if to_server.write_all(bytes).await.is_err() {
            break;
        }
    }
    back.abort();
}

/// One attempt over a line that is cut at its commit, and the next over one that is not.
async fn cut_at_commit(cut: Cut) {
    let house = House::new(SCHEMA);
    let proxy = Proxy::start(cut).await;
    let target = target_at(&proxy.url(&house), |_| {});
    let plan = Pipeline::new(&[("step", "insert into work values (1); insert into effects values (:execution_id); select 7 as seven")])
        .tables(&["work"])
        .shared_writes("step", &["effects"])
        .plan();
    use carril_model::contract::Target as _;
    // The first execution makes Carril's tables; the others make only their workspace before the step.
    target
        .run_sql(&first_try(&plan, "step", 1).call(), &Switch::new())
        .await
        .unwrap();
    for execution in 2..=11 {
        proxy.cut_after(1);
        let error = target
            .run_sql(&first_try(&plan, "step", execution).call(), &Switch::new())
            .await;
        let error = error.expect_err("its commit was cut");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0513", ErrorClass::OutcomeUnknown),
            "{cut:?}: {error:?}"
        );
        let again = first_try(&plan, "step", execution).again(1, 2).call();
        let done = target.run_sql(&again, &Switch::new()).await.unwrap();
        assert_eq!(done.output, Some(json!({"seven": 7})));
    }
    assert_eq!(
        house.rows("select count(*), count(distinct execution) from effects"),
        ["11|11"],
        "{cut:?}: each effect is there once"
    );
    let lanes = (2..=11).map(|execution| format!("select id from carril_p7_e{execution}_r1.work"));
    assert_eq!(
        house
            .rows(&lanes.collect::<Vec<_>>().join(" union all "))
            .len(),
        10
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_never_arrived_is_done_once_by_the_next_attempt() {
    cut_at_commit(Cut::Request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_not_done_again() {
    cut_at_commit(Cut::Answer).await;
}

/// The line is cut while a workspace is made: it is there whole, or not at all, and the next attempt works either way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_whose_making_was_cut_is_whole_or_not_there() {
    use carril_model::contract::Target as _;
    for cut in [Cut::Request, Cut::Answer] {
        let house = House::new(SCHEMA);
        let proxy = Proxy::start(cut).await;
        let target = target_at(&proxy.url(&house), |_| {});
        let plan = Pipeline::new(&[("step", "insert into work values (1)")])
            .tables(&["work"])
            .plan();
        target
            .run_sql(&first_try(&plan, "step", 1).call(), &Switch::new())
            .await
            .unwrap();
        proxy.cut_after(0);
        let error = target
            .run_sql(&first_try(&plan, "step", 2).call(), &Switch::new())
            .await;
        assert!(matches!(
            error.expect_err("it was cut").class,
            ErrorClass::Transient | ErrorClass::OutcomeUnknown
        ));
        let again = first_try(&plan, "step", 2).again(1, 2).call();
        target.run_sql(&again, &Switch::new()).await.unwrap();
        assert_eq!(
            house.rows("select count(*) from carril_p7_e2_r1.work"),
            ["1"]
        );
    }
}
