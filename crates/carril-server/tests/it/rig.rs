//! A folder with a pipeline, its warehouse and a store, and a server of it on a port of its own.

use crate::client::{Answer, PATIENCE, Request};
use carril::model::contract::{NewToken, Role};
use carril::model::time::Timestamp;
use carril::{Carril, OpenOptions, Reader};
use carril_server::{House, Options, Secret, Server, hash_of};
use carril_testkit::postgres::Database;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SCHEMA: &str = "
create table who (name text not null, size integer not null);
insert into who values ('ada', 3), ('bela', 2), ('cleo', 5);
create table effect (name text not null, mode text);
";

/// `mode` is `wait` for lanes that wait for the signal `go`, `fail` for a lane of bela that fails.
const PIPELINE: &str = r#"
name = "sizes"
description = "Adds up sizes."
[params]
mode = { type = "text", default = "run" }
[entities]
target = "warehouse"
key = "name"
sql = "select name, size from who order by name"
[resource.scales]
slots = 2
breaker = { failures = 5 }
[[stage]]
name = "collect"
  [[stage.step]]
  name = "hold"
  when = "param.mode == 'wait'"
  signal = "go"
  [[stage.step]]
  name = "rows"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, :mode)"
  resource = "scales"
  [[stage.step]]
  name = "hello"
  command = ["echo", "hello {entity_key}"]
  [[stage.step]]
  name = "fail"
  when = "param.mode == 'fail' and entity.name == 'bela'"
  shared_writes = ["effect"]
  sql = "insert into effect (name) values (null)"
"#;

/// A folder with all that a server needs.
pub(crate) struct Place {
    folder: TempDir,
    store: String,
}

impl Place {
    /// With its store in a file.
    pub(crate) fn new() -> Self {
        Self::with_store("carril.db".to_owned())
    }

    /// With its store on a server.
    pub(crate) fn on(database: &Database) -> Self {
        Self::with_store(database.url())
    }

    fn with_store(store: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, store };
        std::fs::create_dir(place.path().join("sizes")).unwrap();
        std::fs::write(place.path().join("sizes/pipeline.toml"), PIPELINE).unwrap();
        let settings = "[targets]\nwarehouse = \"sqlite:warehouse.db\"\n";
        std::fs::write(place.path().join("carril.toml"), settings).unwrap();
        let path = place.path().join("warehouse.db");
        let warehouse = rusqlite::Connection::open(path).unwrap();
        warehouse.execute_batch(SCHEMA).unwrap();
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The store's engine.
    pub(crate) async fn engine(&self) -> Carril {
        let options = OpenOptions::new(&self.store)
            .folder(self.path())
            .node("test", "a test")
            .commands(self.path(), "/usr/bin:/bin");
        carril::open(options).await.expect("the store opens")
    }

    /// The store, read beside its engine.
    pub(crate) async fn reader(&self) -> Reader {
        let lookup = carril::no_references();
        let read = carril::read(&self.store, self.path(), &lookup);
        read.await.expect("the store is read")
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(self.path());
        options.listen = "127.0.0.1:0".parse().unwrap();
        options.requests_per_second = 10_000;
        options.procesos.pipeline = Some("sizes".to_owned());
        options.procesos.sunset = Some("2027-06-30".to_owned());
        options
    }
}

/// A server that runs.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) house: House,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Served {
    /// Serves a store.
    pub(crate) async fn begin(house: House, options: Options) -> Self {
        let server = Server::bind(house.clone(), options).await.expect("a port");
        let (address, stop) = (server.address(), CancellationToken::new());
        let running = tokio::spawn(server.run(stop.clone().cancelled_owned()));
        Self {
            address,
            house,
            stop,
            running,
        }
    }

    /// Serves a place with its engine, as it does by default.
    pub(crate) async fn of(place: &Place) -> Self {
        Self::begin(House::Engine(place.engine().await), place.options()).await
    }

    /// Ends the server, and its engine.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .expect("it ends in time")
            .expect("it does not panic");
        if let House::Engine(carril) = self.house {
            let ended = carril.shutdown(Duration::from_secs(10));
            ended.await.expect("the engine ends");
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Request::new("GET", path).send(self.address).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::new("POST", path).json(body);
        request.send(self.address).await
    }

    /// Launches the pipeline, and gives the process's id.
    pub(crate) async fn launch(&self, mode: &str) -> i64 {
        self.launched(json!({"params": {"mode": mode}})).await
    }

    /// The same for one entity.
    pub(crate) async fn launch_one(&self, mode: &str, entity: &str) -> i64 {
        let body = json!({"params": {"mode": mode}, "only": [entity]});
        self.launched(body).await
    }

    async fn launched(&self, body: Value) -> i64 {
        let launched = self.post("/api/v1/pipelines/sizes/launch", &body).await;
        let launched = launched.with(201).json();
        assert_eq!(launched["outcome"], "launched");
        launched["process"]["id"].as_i64().expect("an id")
    }

    /// The process once it is as wanted.
    pub(crate) async fn process(&self, id: i64, wanted: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/v1/processes/{id}");
        let looking = async {
            let mut looks = tokio::time::interval(Duration::from_millis(10));
            loop {
                looks.tick().await;
                let told = self.get(&path).await.with(200).json();
                if wanted(&told) {
                    return told;
                }
            }
        };
        tokio::time::timeout(PATIENCE, looking)
            .await
            .expect("it becomes so in time")
    }

    /// The process once it has settled in this state.
    pub(crate) async fn settled(&self, id: i64, state: &str) -> Value {
        self.process(id, |told| told["process"]["state"] == state)
            .await
    }

    /// The process once all of its lanes wait.
    pub(crate) async fn waiting(&self, id: i64) -> Value {
        self.process(id, |told| told["process"]["waiting"] == 3)
            .await
    }

    /// Makes a token, as the command line does.
    pub(crate) async fn token(&self, name: &str, role: Role) -> String {
        self.token_until(name, role, None).await
    }

    /// The same with an end.
    pub(crate) async fn token_until(&self, name: &str, role: Role, end: Option<i64>) -> String {
        let secret = Secret::draw().unwrap();
        let token = NewToken {
            name: name.to_owned(),
            role,
            hash: hash_of(secret.text()),
            by: "a test".to_owned(),
            at: Timestamp(1),
            expires_at: end.map(Timestamp),
        };
        let access = match &self.house {
            House::Engine(carril) => carril.reader().access().add_token(&token).await,
            House::Reader(reader) => reader.access().add_token(&token).await,
        };
        access.expect("a token is kept");
        secret.text().to_owned()
    }
}
