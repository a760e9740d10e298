-- Writes executions as a transaction has changed them, in order of id. One that is no longer as it was read is left alone, and the
-- transaction with it: its token and state are looked at once more.
-- $1 executions, $2 token and $3 state that each must have, then what it becomes: $4 run, $5 token, $6 state, $7 segment, $8 ready,
-- $9 cancelling, $10 rolling back, $11 parked, $12 warnings, $13 unread, $14 node, $15 since, $16 cause, $17 about, $18 sums (JSON),
-- $19 started, $20 ended, $21 failed step, $22 error (JSON), $23 wake at (microseconds each). By primary key; moves the partial indexes.
UPDATE execution e
SET run = w.run::integer, token = w.token, state = w.state::smallint, segment = w.segment::integer, ready = w.ready,
  cancelling = w.cancelling, rolling_back = w.rolling_back, parked = w.parked, warnings = w.warnings, unread = w.unread::integer,
  node = w.node, since = w.since, cause = w.cause, about = w.about, sums = w.sums, started_at = w.started_at, ended_at = w.ended_at,
  failed_step = w.failed_step::integer, error = w.error, wake_at = w.wake_at
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[],
  $9::boolean[], $10::boolean[], $11::boolean[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::text[],
  $18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::text[], $23::bigint[])
  AS w (id, token_before, state_before, run, token, state, segment, ready, cancelling, rolling_back, parked, warnings, unread, node,
    since, cause, about, sums, started_at, ended_at, failed_step, error, wake_at)
WHERE e.id = w.id AND e.token = w.token_before AND e.state = w.state_before;
