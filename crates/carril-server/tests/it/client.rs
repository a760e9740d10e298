//! An HTTP client that sends what it is told, wrong heads too, and reads streams line by line.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Longest wait for anything; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Panics unless it has this status.
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Panics unless it is a problem with this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let told = self.with(status);
        assert_eq!(
            told.header("content-type"),
            Some("application/problem+json")
        );
        let problem = told.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        told
    }
}

/// A request to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    line: String,
    head: Vec<(String, String)>,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            line: format!("{method} {path} HTTP/1.1"),
            head: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string();
        self.header("content-type", "application/json")
    }

    fn text(&self) -> String {
        let has = |name: &str| self.head.iter().any(|(known, _)| known == name);
        let mut text = format!("{}\r\n", self.line);
        if !has("host") {
            text.push_str("host: localhost\r\n");
        }
        if !has("content-length") && !self.body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.head {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{text}\r\n{}", self.body)
    }

    /// Sends it over a connection of its own and reads the answer.
    pub(crate) async fn send(self, to: SocketAddr) -> Answer {
        let sent = self.header("connection", "close");
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(sent.text().as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes))
            .await
            .expect("it is answered in time")
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let (status, head) = read_head(head);
        let is_chunked = head.iter().any(|(name, _)| name == "transfer-encoding");
        let body = if is_chunked {
            whole(body)
        } else {
            body.to_owned()
        };
        Answer { status, head, body }
    }

    /// Sends it and reads what comes, event by event.
    pub(crate) async fn stream(self, to: SocketAddr) -> Stream {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(self.text().as_bytes()).await.unwrap();
        let mut stream = Stream {
            lines: BufReader::new(stream),
            text: String::new(),
        };
        let head = stream
            .until("\r\n\r\n")
            .await
            .expect("an answer has a head");
        let (status, _) = read_head(&head);
        assert_eq!(status, 200, "{head}");
        stream
    }
}

/// A body of its chunks; one that ends before its last chunk was broken off.
fn whole(mut chunks: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(size, 16).expect("a size is a number");
        if size == 0 {
            return body;
        }
        body.push_str(&rest[..size]);
        chunks = rest[size..].strip_prefix("\r\n").expect("a chunk ends");
    }
}

fn read_head(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let fields = lines.filter_map(|line| line.split_once(": "));
    let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    (status.expect("a status"), fields.collect())
}

/// An event of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream of events.
pub(crate) struct Stream {
    lines: BufReader<TcpStream>,
    text: String,
}

impl Stream {
    /// What comes up to an end; `None` when the stream is over first.
    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some((before, after)) = self.text.split_once(end) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.text = after;
                return Some(before);
            }
            let mut bytes = [0; 4_096];
            let read = tokio::time::timeout(PATIENCE, self.lines.read(&mut bytes))
                .await
                .expect("something comes in time")
                .unwrap_or(0);
            if read == 0 {
                return None;
            }
            self.text.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    /// The next event; `None` when the stream is over. Chunks begin with their size, which no field of an event looks like.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let text = self.until("\n\n").await?;
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.map(|value| value.trim().to_owned())
            };
            if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                return Some(Event {
                    id: field("id:"),
                    name,
                    data: serde_json::from_str(&data).expect("data is JSON"),
                });
            }
        }
    }

    /// Events until one is as wanted; that one is the last.
    pub(crate) async fn until_one(&mut self, wanted: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let next = self.next().await;
            let event = next.unwrap_or_else(|| panic!("the stream ended after {seen:?}"));
            let is_last = wanted(&event);
            seen.push(event);
            if is_last {
                return seen;
            }
        }
    }
}
