//! Places of one address, and the end of tasks.

use super::{CONNECTIONS_MAX_OF_ONE, Crowd, Tasks};
use std::sync::Arc;

#[test]
fn an_address_elsewhere_has_so_many_places_and_gets_them_back() {
    let crowd = Arc::new(Crowd::default());
    let (far, near) = ("192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
    let mut places: Vec<_> = (0..CONNECTIONS_MAX_OF_ONE)
        .map(|_| Crowd::enter(&crowd, far).unwrap())
        .collect();
    assert!(Crowd::enter(&crowd, far).is_none());
    assert!(Crowd::enter(&crowd, "192.0.2.2".parse().unwrap()).is_some());
    let own: Vec<_> = (0..=CONNECTIONS_MAX_OF_ONE)
        .map(|_| Crowd::enter(&crowd, near))
        .collect();
    assert!(own.iter().all(Option::is_some));
    drop(own);
    places.pop();
    assert!(Crowd::enter(&crowd, far).is_some());
    drop(places);
    assert!(crowd.counts.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_end_is_ended() {
    let tasks = Tasks::default();
    tasks.spawn(std::future::pending());
    tasks.spawn(async {});
    tasks.end().await;
    assert!(tasks.hard.is_cancelled());
}
