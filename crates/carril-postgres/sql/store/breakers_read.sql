-- Every breaker that was ever kept, in order of resource. No parameters. By primary key.
SELECT resource, change, state, failures, successes, since, until, forced, reason FROM breaker ORDER BY resource COLLATE "C";
