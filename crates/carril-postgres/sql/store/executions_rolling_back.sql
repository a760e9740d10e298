-- Executions whose rollback an engine had begun that is over.
-- No parameters. Index: execution_rolling_back.
SELECT id, process_id, run, token, state, segment, per_process, lane_hash, rolling_back, cancelling, cause, about, since, sums, parked, unread, ready, warnings, node, started_at, ended_at, failed_step, error, wake_at
FROM execution
WHERE rolling_back AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = execution.node AND n.left_at IS NULL)
ORDER BY process_id, id;
