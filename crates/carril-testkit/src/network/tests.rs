//! A network does to a server that repeats what it hears what it is told to do.

use super::{Flow, Line, Loss};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A server that says back what it hears, and a line to it.
fn echo() -> Line {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    stream.write_all(&buffer[..count]).unwrap();
                }
            });
        }
    });
    Line::to(port)
}

fn connect(line: &Line) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    let limit = Duration::from_secs(10);
    stream.set_read_timeout(Some(limit)).unwrap();
    stream
}

/// Says something, and gives what comes back; nothing when the line has ended.
fn ask(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let said = stream.write_all(words);
    let count = said.and_then(|()| stream.read(&mut buffer));
    buffer[..count.unwrap_or_default()].to_vec()
}

#[test]
fn what_is_said_passes_until_it_is_cut() {
    let line = echo();
    let mut stream = connect(&line);
    assert_eq!(ask(&mut stream, b"one"), b"one");
    assert_eq!(line.cut(), 1);
    assert_eq!(ask(&mut stream, b"two"), b"");
    assert_eq!(ask(&mut connect(&line), b"three"), b"three");
    line.flows(Flow::Down);
    assert_eq!(ask(&mut connect(&line), b"four"), b"");
}

#[test]
fn what_is_said_into_silence_comes_when_it_ends() {
    let line = echo();
    let mut stream = connect(&line);
    line.flows(Flow::Silent);
    stream.write_all(b"one").unwrap();
    let short = Duration::from_millis(200);
    stream.set_read_timeout(Some(short)).unwrap();
    let mut buffer = [0; 16];
    assert!(stream.read(&mut buffer).is_err(), "nothing comes back");
    line.flows(Flow::Passes);
    stream.set_read_timeout(Some(short * 50)).unwrap();
    assert_eq!(stream.read(&mut buffer).unwrap(), 3);
}

#[test]
fn a_half_of_a_line_is_closed() {
    let line = echo();
    let mut stream = connect(&line);
    assert_eq!(ask(&mut stream, b"one"), b"one");
    assert_eq!(line.half_close(), 1);
    assert_eq!(ask(&mut stream, b"two"), b"");
}

#[test]
fn one_commit_is_lost_and_the_next_passes() {
    for (loss, word) in [
        (Loss::Commit, b"Q\0\0\0\x0bCOMMIT\0"),
        (Loss::Answer, b"Q\0\0\0\x0bcommit\0"),
    ] {
        let line = echo();
        line.loses(loss);
        let mut stream = connect(&line);
        assert_eq!(ask(&mut stream, b"begin"), b"begin");
        assert_eq!(ask(&mut stream, word), b"", "{loss:?}");
        assert_eq!(line.lost(), 1);
        assert!(!line.loses_nothing());
        assert_eq!(ask(&mut connect(&line), word), word);
    }
}

#[test]
fn one_line_falls_silent_at_its_commit_and_others_do_not() {
    let line = echo();
    line.loses(Loss::Silence);
    let mut stream = connect(&line);
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert_eq!(ask(&mut stream, b"begin"), b"begin");
    assert_eq!(ask(&mut stream, b"Q\0\0\0\x0bCOMMIT\0"), b"");
    assert_eq!(ask(&mut stream, b"hello?"), b"");
    assert_eq!(ask(&mut connect(&line), b"other"), b"other");
}
