-- Who held up a wait for a lock of a target's database: as it is shown in lists, and all that is known, as JSON.
ALTER TABLE wait ADD COLUMN blocker TEXT;
ALTER TABLE wait ADD COLUMN lock TEXT;

DROP VIEW trace;
DROP VIEW waits;
CREATE VIEW waits AS
SELECT w.execution_id, p.id AS process_id, n.entity_key, w.run, ds.stage, ds.name AS step, w.cause, w.about,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', w.began / 1000000, 'unixepoch'), w.began % 1000000) AS began,
  w.micros / 1000.0 AS duration_ms, e.node, w.began AS began_us, w.micros AS duration_us,
  w.blocker, w.lock
FROM wait w
JOIN execution e ON e.id = w.execution_id
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution
LEFT JOIN definition_step ds ON ds.definition_id = p.definition_id AND ds.step = w.step
LEFT JOIN entity n ON n.execution_id = w.execution_id;

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
    began_us, duration_us, node, CASE WHEN lock IS NULL THEN json_object('cause', cause)
      ELSE json_object('cause', cause, 'blocker', blocker, 'lock', json(lock)) END
  FROM waits
)
SELECT process_id, execution_id, entity_key, run, stage, step, attempt, resource, event,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', at_us / 1000000, 'unixepoch'), at_us % 1000000) AS at,
  duration_us / 1000.0 AS duration_ms, node AS worker, details, at_us, duration_us
FROM event;
