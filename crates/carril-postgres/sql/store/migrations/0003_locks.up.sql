-- Who held up a wait for a lock of a target's database: as it is shown in lists, and all that is known, as JSON.
ALTER TABLE wait ADD COLUMN blocker text;
ALTER TABLE wait ADD COLUMN lock text;

CREATE OR REPLACE VIEW waits AS
SELECT w.execution_id, p.id AS process_id, n.entity_key, w.run, ds.stage, ds.name AS step, w.cause, w.about,
  moment(w.began) AS began, w.micros / 1000.0::double precision AS duration_ms, e.node, w.began AS began_us, w.micros AS duration_us,
  w.blocker, w.lock
FROM wait w
JOIN execution e ON e.id = w.execution_id
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution
LEFT JOIN definition_step ds ON ds.definition_id = p.definition_id AND ds.step = w.step
LEFT JOIN entity n ON n.execution_id = w.execution_id;

CREATE OR REPLACE VIEW trace AS
WITH attempt AS NOT MATERIALIZED (
  SELECT a.process_id, a.execution_id, a.entity_key, a.run, a.stage, a.name, a.attempt, a.state, a.began, a.ended, a.micros, a.retry_at,
    a.fallback, a.reason,
    CASE WHEN a.resources IS NOT NULL THEN (SELECT string_agg(r.value, ', ') FROM json_array_elements_text(a.resources::json) r (value))
      ELSE (SELECT string_agg(r.value ->> 'table', ', ') FROM json_array_elements(a.table_rows::json) r (value)) END AS resource,
    a.table_rows, a.error, a.waits, a.node, a.attributes
  FROM attempt_row a WHERE a.carried_from IS NULL
), event AS NOT MATERIALIZED (
  SELECT process_id, execution_id, entity_key, run, stage, name AS step, attempt, resource, 'START' AS event, began AS at_us,
    NULL::bigint AS duration_us, node,
    CASE WHEN attributes IS NOT NULL THEN json_build_object('entity', attributes::json)::text END AS details
  FROM attempt WHERE attempt > 0
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource,
    CASE state WHEN 2 THEN 'END' WHEN 5 THEN 'CANCEL' WHEN 6 THEN 'INTERRUPT'
      ELSE CASE error::json ->> 'class' WHEN 'timeout' THEN 'TIMEOUT' ELSE 'ERROR' END END,
    ended, micros, node,
    CASE WHEN coalesce(table_rows, error, waits) IS NOT NULL THEN
      json_strip_nulls(json_build_object('rows', table_rows::json, 'error', error::json, 'waits', waits::json))::text END
  FROM attempt WHERE attempt > 0 AND state IN (2, 3, 5, 6)
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'RETRY', ended, retry_at - ended, node, error
  FROM attempt WHERE attempt > 0 AND retry_at IS NOT NULL AND state = 3
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'FALLBACK', ended, NULL, node, error
  FROM attempt WHERE fallback
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, name, attempt, resource, 'SKIP', began, NULL, node,
    json_build_object('reason', reason)::text
  FROM attempt WHERE state = 4
  UNION ALL
  SELECT process_id, execution_id, entity_key, run, stage, step, NULL, about, CASE cause WHEN 'lock' THEN 'LOCK' ELSE 'WAIT' END,
    began_us, duration_us, node, CASE WHEN lock IS NULL THEN json_build_object('cause', cause)::text
      ELSE json_build_object('cause', cause, 'blocker', blocker, 'lock', lock::json)::text END
  FROM waits
)
SELECT process_id, execution_id, entity_key, run, stage, step, attempt, resource, event,
  moment(at_us) AS at, duration_us / 1000.0::double precision AS duration_ms, node AS worker, details, at_us, duration_us
FROM event;
