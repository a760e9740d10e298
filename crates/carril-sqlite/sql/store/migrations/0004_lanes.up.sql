-- Lists the unsettled executions of each lane key in a table of their own, instead of an index over all executions: its entries are
-- put in and taken out many at a time in its own order, so that what a launch writes does not grow with the store.
DROP VIEW executions;
DROP VIEW execution_row;

-- An entry is there from a launch's end at the latest, until some time after its execution has settled.
CREATE TABLE lane (
  lane_hash INTEGER NOT NULL,
  execution_id INTEGER NOT NULL,
  PRIMARY KEY (lane_hash, execution_id)
) STRICT, WITHOUT ROWID;
INSERT INTO lane (lane_hash, execution_id)
SELECT lane_hash, id FROM execution WHERE lane_open = 1 AND state < 3 AND lane_hash IS NOT NULL ORDER BY lane_hash, id;
DROP INDEX execution_lane;
ALTER TABLE execution DROP COLUMN lane_open;

CREATE VIEW execution_row AS
SELECT e.id, p.id AS process_id, n.entity_key, n.attributes, e.run, e.state, e.segment,
  CASE WHEN e.ready = 0 AND e.state < 3 THEN (
    SELECT h.id FROM lane l JOIN execution h ON h.id = l.execution_id
    WHERE l.lane_hash = e.lane_hash AND h.ready = 1 AND h.state < 3
  ) END AS behind,
  e.rolling_back, e.cancelling, e.since, e.cause, e.about, e.sums,
  coalesce(n.launched_at, p.launched_at) AS launched_at, e.started_at, e.ended_at,
  (SELECT s.stage || '/' || s.name FROM definition_step s WHERE s.definition_id = p.definition_id AND s.step = e.failed_step) AS failed_step,
  e.error, e.warnings
FROM execution e
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution AND p.state > 0
LEFT JOIN entity n ON n.execution_id = e.id;

CREATE VIEW executions AS
SELECT id AS execution_id, process_id, entity_key, run,
  CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'waiting' WHEN 3 THEN 'succeeded' WHEN 4 THEN 'failed'
    WHEN 5 THEN 'skipped' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  cause, about, sums AS account, failed_step, error ->> 'code' AS error_code, error ->> 'message' AS error, warnings, attributes,
  CASE WHEN started_at IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', started_at / 1000000, 'unixepoch'), started_at % 1000000) END AS started_at,
  CASE WHEN ended_at IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000, 'unixepoch'), ended_at % 1000000) END AS ended_at,
  launched_at AS launched_at_us, started_at AS started_at_us, ended_at AS ended_at_us
FROM execution_row;
