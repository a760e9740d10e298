//! A small HTTP server on this machine: it answers as a test says, and keeps what it was sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server was sent.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// By name in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What a server answers.
pub(crate) enum Answer {
    /// These bytes.
    Whole(Vec<u8>),
    /// These bytes, and then nothing until the other side gives up.
    Stalls(Vec<u8>),
    /// These bytes, and then the connection ends.
    Ends(Vec<u8>),
}

/// An answer with its length.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    text.push_str(body);
    Answer::Whole(text.into_bytes())
}

type Handler = dyn Fn(&Received) -> Answer + Send + Sync;

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    /// How many connections the other side has ended.
    ended: Arc<Mutex<u32>>,
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            ended: Arc::default(),
        };
        let handler: Arc<Handler> = Arc::new(handler);
        let (received, ended) = (Arc::clone(&server.received), Arc::clone(&server.ended));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (handler, received) = (Arc::clone(&handler), Arc::clone(&received));
                let ended = Arc::clone(&ended);
                tokio::spawn(async move {
                    serve(stream, &handler, &received).await;
                    *ended.lock().unwrap() += 1;
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The only request.
    pub(crate) fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }

    pub(crate) fn connections_ended(&self) -> u32 {
        *self.ended.lock().unwrap()
    }
}

async fn serve(mut stream: TcpStream, handler: &Arc<Handler>, received: &Mutex<Vec<Received>>) {
    while let Some(request) = read(&mut stream).await {
        let answer = handler(&request);
        received.lock().unwrap().push(request);
        let (Answer::Whole(bytes) | Answer::Stalls(bytes) | Answer::Ends(bytes)) = &answer;
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        match answer {
            Answer::Whole(_) => {}
            Answer::Stalls(_) => {
                // Ends when the other side does.
                let _ = stream.read(&mut [0; 64]).await;
                return;
            }
            Answer::Ends(_) => return,
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head_end + length {
        read_more(stream, &mut bytes).await?;
    }
    Some(Received {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers,
        body: String::from_utf8(bytes[head_end..].to_vec()).unwrap(),
    })
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk).await {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            bytes.extend_from_slice(&chunk[..count]);
            Some(())
        }
    }
}
