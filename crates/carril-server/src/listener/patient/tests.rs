//! A client that does not read is given up, one that reads slowly is not.

use super::Patient;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_given_up() {
    let (near, _far) = tokio::io::duplex(16);
    let mut near = Patient::new(near, Duration::from_secs(30));
    let error = near.write_all(&[0; 17]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn who_reads_now_and_then_is_waited_for() {
    let (near, mut far) = tokio::io::duplex(1);
    let mut near = Patient::new(near, Duration::from_secs(30));
    let reading = async {
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(20)).await;
            far.read_u8().await.unwrap();
        }
    };
    let (wrote, ()) = tokio::join!(near.write_all(&[0; 4]), reading);
    wrote.unwrap();
}
