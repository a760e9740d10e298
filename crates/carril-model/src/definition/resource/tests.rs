//! Limits read back as they were kept, and slots alone are kept as they always were.

use super::{BreakerPolicy, Rate, RateUnit, Resource};
use std::time::Duration;

#[test]
fn slots_alone_are_kept_as_a_bare_number() {
    let text = serde_json::to_string(&Resource::slots(4)).unwrap();
    assert_eq!(text, "4");
    let read: Resource = serde_json::from_str("4").unwrap();
    assert_eq!(read, Resource::slots(4));
}

#[test]
fn all_limits_read_back() {
    let limits = [
        Resource::unlimited().rate(Rate::new(10, RateUnit::Minute).burst(3)),
        Resource::slots(2).breaker(BreakerPolicy {
            failures: 3,
            cooldown: Duration::from_millis(1_500),
            successes: 1,
        }),
        Resource::slots(1)
            .rate(Rate::new(1, RateUnit::Hour))
            .breaker(BreakerPolicy::default()),
    ];
    for resource in limits {
        let text = serde_json::to_string(&resource).unwrap();
        let read: Resource = serde_json::from_str(&text).unwrap();
        assert_eq!(read, resource, "{text}");
    }
}

#[test]
fn limits_are_told_in_words() {
    let resource = Resource::slots(2)
        .rate(Rate::new(10, RateUnit::Second).burst(5))
        .breaker(BreakerPolicy::default());
    assert_eq!(
        resource.to_string(),
        "2 at once, 10/s in bursts of 5, breaker after 5 failures in a row for 30 s"
    );
}
