//! Tests of what the test kit gives benchmarks and tests, against real servers.

mod contention;
