//! A server without an engine of its own: what is asked is done by another program's, and refused where there is none.

use crate::rig::{Place, Served};
use carril_server::House;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_left_for_the_engine_and_followed() {
    let place = Place::new();
    let engine = place.engine().await;
    let served = Served::begin(House::Reader(place.reader().await), place.options()).await;
    let ready = served.get("/readyz").await.with(200).json();
    assert_eq!(ready["engine"], false);
    let id = served.launch("wait").await;
    served.waiting(id).await;
    let path = format!("/api/v1/processes/{id}/signal");
    served.post(&path, &json!({"name": "go"})).await.with(202);
    served.settled(id, "succeeded").await;
    engine.shutdown(Duration::from_secs(10)).await.unwrap();
    let path = format!("/api/v1/processes/{id}/rollback");
    let refused = served.post(&path, &json!({})).await;
    let refused = refused.refused(503, "CAR0911");
    assert!(refused.header("retry-after").is_some());
    served
        .get(&format!("/api/v1/processes/{id}"))
        .await
        .with(200);
    served.end().await;
}
