-- Takes back what 0005_limits.up.sql made; priorities and breakers are forgotten.
DROP VIEW processes;
DROP VIEW process_row;
DROP VIEW breaker_changes;
DROP VIEW breakers;
DROP TABLE breaker_history;
DROP TABLE breaker;
ALTER TABLE process DROP COLUMN priority;


CREATE VIEW process_row AS
SELECT p.id, p.pipeline, d.version, p.params, p.state, p.reason, p.cancelling, p.segment, p.open, p.lanes, p.after,
  o.state AS own_state, p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back,
  p.launched_by, p.launched_at, p.ended_at, p.own_execution, p.targets, p.reopened, p.folder
FROM process p
JOIN definition d ON d.id = p.definition_id
LEFT JOIN execution o ON o.id = p.own_execution;

CREATE VIEW processes AS
SELECT id AS process_id, pipeline, substr(version, 1, 8) AS version, params,
  CASE state WHEN 0 THEN 'launching' WHEN 1 THEN 'running' WHEN 2 THEN 'paused' WHEN 3 THEN 'succeeded'
    WHEN 4 THEN 'completed_with_errors' WHEN 5 THEN 'failed' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  reason, total, succeeded, failed, skipped, cancelled, rolled_back, lanes, folder, launched_by,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', launched_at / 1000000, 'unixepoch'), launched_at % 1000000) AS launched_at,
  CASE WHEN ended_at IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000, 'unixepoch'), ended_at % 1000000) END AS ended_at,
  launched_at AS launched_at_us, ended_at AS ended_at_us
FROM process_row
WHERE state > 0;
