-- Whether a signal came before. $1 execution, $2 idempotency key. By primary key, over the execution's own signals.
SELECT 1 FROM signal WHERE execution_id = $1::bigint AND idempotency_key = $2::text;
