-- Executions that wait in the middle of their segment, what wakes them, and the signals that come to them.

-- When a parked execution is due; null where no time wakes it.
ALTER TABLE execution ADD COLUMN wake_at INTEGER;
-- Whether it waits, or was woken and not claimed yet, in the middle of its segment: it keeps its lane key meanwhile.
ALTER TABLE execution ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
-- Signals that came to it and that no step has taken.
ALTER TABLE execution ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
CREATE INDEX execution_wake ON execution (wake_at, process_id) WHERE wake_at IS NOT NULL;

-- Executions of the process that are parked in the middle of its segment.
ALTER TABLE process ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;

-- What wakes a parked execution besides time.
CREATE TABLE wake_key (
  execution_id INTEGER NOT NULL,
  wake_key TEXT NOT NULL,
  PRIMARY KEY (execution_id, wake_key)
) STRICT, WITHOUT ROWID;

-- Signals, numbered in each execution from 1.
CREATE TABLE signal (
  execution_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  wake_key TEXT NOT NULL,
  run INTEGER NOT NULL,          -- in which it came
  sent_at INTEGER NOT NULL,
  sent_by TEXT NOT NULL,
  data TEXT,                     -- JSON
  idempotency_key TEXT,
  taken_run INTEGER,             -- null while no step has taken it
  taken_step INTEGER,
  taken_at INTEGER,
  PRIMARY KEY (execution_id, number)
) STRICT, WITHOUT ROWID;

DROP VIEW processes;
DROP VIEW process_row;
CREATE VIEW process_row AS
SELECT p.id, p.pipeline, d.version, p.params, p.state, p.reason, p.cancelling, p.segment, p.open, p.lanes, p.after,
  o.state AS own_state, p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back,
  p.launched_by, p.launched_at, p.ended_at, p.own_execution, p.targets, p.reopened, p.folder, p.priority, p.waiting,
  o.segment AS own_segment
FROM process p
JOIN definition d ON d.id = p.definition_id
LEFT JOIN execution o ON o.id = p.own_execution;

CREATE VIEW processes AS
SELECT id AS process_id, pipeline, substr(version, 1, 8) AS version, params,
  CASE state WHEN 0 THEN 'launching' WHEN 1 THEN 'running' WHEN 2 THEN 'paused' WHEN 3 THEN 'succeeded'
    WHEN 4 THEN 'completed_with_errors' WHEN 5 THEN 'failed' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  reason, total, succeeded, failed, skipped, cancelled, rolled_back, waiting, lanes, priority, folder, launched_by,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', launched_at / 1000000, 'unixepoch'), launched_at % 1000000) AS launched_at,
  CASE WHEN ended_at IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000, 'unixepoch'), ended_at % 1000000) END AS ended_at,
  launched_at AS launched_at_us, ended_at AS ended_at_us
FROM process_row
WHERE state > 0;

DROP VIEW steps;
CREATE VIEW steps AS
SELECT execution_id, process_id, entity_key, run, stage, name AS step, attempt,
  CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'succeeded' WHEN 3 THEN 'failed' WHEN 4 THEN 'skipped'
    WHEN 5 THEN 'cancelled' WHEN 7 THEN 'waiting' ELSE 'interrupted' END AS state,
  fallback, reason, table_rows AS rows, output, error ->> 'code' AS error_code, error ->> 'message' AS error, waits, carried_from,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', began / 1000000, 'unixepoch'), began % 1000000) AS began,
  micros / 1000.0 AS duration_ms, began AS began_us, ended AS ended_us
FROM attempt_row;

DROP VIEW trace;
CREATE VIEW trace AS
WITH attempt (process_id, execution_id, entity_key, run, stage, name, attempt, state, began, ended, micros, retry_at, fallback, reason,
  resource, table_rows, error, waits, node, attributes) AS (
  SELECT a.process_id, a.execution_id, a.entity_key, a.run, a.stage, a.name, a.attempt, a.state, a.began, a.ended, a.micros, a.retry_at,
    a.fallback, a.reason,
    CASE WHEN a.resources IS NOT NULL THEN (SELECT group_concat(r.value, ', ') FROM json_each(a.resources) r)
      ELSE (SELECT group_concat(r.value ->> 'table', ', ') FROM json_each(a.table_rows) r) END,
    a.table_rows, a.error, a.waits, a.node, a.attributes
  FROM attempt_row a WHERE a.carried_from IS NULL
), event (process_id, execution_id, entity_key, run, stage, step, attempt, resource, event, at_us, duration_us, node, details) AS (
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'START', began, NULL, node,
    CASE WHEN attributes IS NOT NULL THEN json_object('entity', json(attributes)) END
  FROM attempt WHERE attempt > 0
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource,
    CASE state WHEN 2 THEN 'END' WHEN 5 THEN 'CANCEL' WHEN 6 THEN 'INTERRUPT'
      ELSE CASE error ->> 'class' WHEN 'timeout' THEN 'TIMEOUT' ELSE 'ERROR' END END,
    ended, micros, node,
    CASE WHEN coalesce(table_rows, error, waits) IS NOT NULL THEN
      json_patch('{}', json_object('rows', json(table_rows), 'error', json(error), 'waits', json(waits))) END
  FROM attempt WHERE attempt > 0 AND state IN (2, 3, 5, 6)
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'RETRY', ended, retry_at - ended, node, error
  FROM attempt WHERE attempt > 0 AND retry_at IS NOT NULL AND state = 3
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'FALLBACK', ended, NULL, node, error
  FROM attempt WHERE fallback = 1
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'SKIP', began, NULL, node,
    json_object('reason', reason)
  FROM attempt WHERE state = 4
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, step, NULL, about, CASE cause WHEN 'lock' THEN 'LOCK' ELSE 'WAIT' END,
    began_us, duration_us, node, json_object('cause', cause)
  FROM waits
)
SELECT process_id, execution_id, entity_key, run, stage, step, attempt, resource, event,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', at_us / 1000000, 'unixepoch'), at_us % 1000000) AS at,
  duration_us / 1000.0 AS duration_ms, node AS worker, details, at_us, duration_us
FROM event;
