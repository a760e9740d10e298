-- Executions of processes that another program ran, settled in their only run. They have no lane key: nothing waits for them.
-- Of each: $1 id, $2 process, $3 state, $4 started and $5 ended (microseconds), $6 sums (JSON), $7 failed step, $8 error (JSON).
INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, since, cause, sums, started_at, ended_at,
  failed_step, error, cancelling, rolling_back, parked, warnings, unread)
SELECT w.id, w.process_id, 1, 1, w.state, 0, true, false, w.ended_at, 'running', w.sums, w.started_at, w.ended_at,
  w.failed_step, w.error, false, false, false, 0, 0
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::text[])
  AS w (id, process_id, state, started_at, ended_at, sums, failed_step, error);
