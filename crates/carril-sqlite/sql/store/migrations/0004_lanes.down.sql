-- Takes back what 0004_lanes.up.sql made. The table is made anew, because its columns have their order.
DROP VIEW executions;
DROP VIEW execution_row;
CREATE TEMP TABLE kept AS
SELECT
  e.id, e.process_id, e.run, e.token, e.state, e.segment, e.ready, (l.execution_id IS NOT NULL) AS lane_open, e.per_process,
  e.cancelling, e.rolling_back, e.warnings, e.lane_hash, e.node, e.since, e.cause, e.about, e.sums, e.started_at, e.ended_at,
  e.failed_step, e.error, e.room
FROM main.execution e
LEFT JOIN main.lane l ON l.lane_hash = e.lane_hash AND l.execution_id = e.id;
DROP TABLE lane;
DROP TABLE execution;

CREATE TABLE execution (
  id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  token INTEGER NOT NULL,
  state INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  ready INTEGER NOT NULL,        -- whether it heads its lane key; one live execution of a key does
  lane_open INTEGER NOT NULL,    -- whether execution_lane lists it; cleared some time after it settled
  per_process INTEGER NOT NULL,  -- the process's own execution
  cancelling INTEGER NOT NULL DEFAULT 0,
  rolling_back INTEGER NOT NULL DEFAULT 0,
  warnings INTEGER NOT NULL DEFAULT 0,
  lane_hash INTEGER,
  node INTEGER,                  -- who claims it, or did last in this run
  since INTEGER NOT NULL,        -- the account: open cause, its start, closed sums as JSON
  cause TEXT NOT NULL,
  about TEXT,
  sums TEXT,
  started_at INTEGER,
  ended_at INTEGER,
  failed_step INTEGER,
  error TEXT,                    -- JSON
  room TEXT                      -- blanks that a claim and an end give back, so that what they add splits no page
) STRICT;
INSERT INTO execution (
  id, process_id, run, token, state, segment, ready, lane_open, per_process, cancelling, rolling_back, warnings, lane_hash, node,
  since, cause, about, sums, started_at, ended_at, failed_step, error, room
)
SELECT
  id, process_id, run, token, state, segment, ready, lane_open, per_process, cancelling, rolling_back, warnings, lane_hash, node,
  since, cause, about, sums, started_at, ended_at, failed_step, error, room
FROM temp.kept ORDER BY id;
DROP TABLE temp.kept;
CREATE INDEX execution_claim ON execution (process_id, segment) WHERE state = 0 AND ready = 1;
CREATE INDEX execution_lane ON execution (lane_hash) WHERE lane_open = 1;
CREATE INDEX execution_rolling_back ON execution (process_id) WHERE rolling_back = 1;

CREATE VIEW execution_row AS
SELECT e.id, p.id AS process_id, n.entity_key, n.attributes, e.run, e.state, e.segment,
  CASE WHEN e.ready = 0 AND e.state < 3 THEN (
    SELECT h.id FROM execution h WHERE h.lane_hash = e.lane_hash AND h.lane_open = 1 AND h.ready = 1 AND h.state < 3
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
