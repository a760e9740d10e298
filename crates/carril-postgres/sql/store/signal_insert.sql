-- A signal comes to an execution.
-- $1 execution, $2 key, $3 run, $4 when (microseconds), $5 by whom, $6 data (JSON), $7 idempotency key or null. By primary key.
INSERT INTO signal (execution_id, number, wake_key, run, sent_at, sent_by, data, idempotency_key)
VALUES ($1::bigint, (SELECT coalesce(max(s.number), 0) + 1 FROM signal s WHERE s.execution_id = $1::bigint), $2::text, $3::bigint, $4::bigint, $5::text, $6::text, $7::text);
