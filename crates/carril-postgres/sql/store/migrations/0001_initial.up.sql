-- The first schema: everything that engines remember, for any number of them on one database.
--
-- Times are microseconds since 1970 (UTC), spans are microseconds, states are the codes of carril-model. Only `lease_until` is
-- the database's own clock. There are no foreign keys: nothing here is written but by the store's own verbs, each one transaction.
-- JSON is kept as text, as it was written. It runs in the store's schema, which is the only one in the search path.

-- Numbers given out so far. Processes and executions share 'id', so that a number names one thing only.
CREATE TABLE sequence (
  name text PRIMARY KEY,
  next bigint NOT NULL
);
INSERT INTO sequence (name, next) VALUES ('id', 1);

-- One row per engine that ever entered. An engine without left_at is at work, or its lease runs out. No index but the key: a sign
-- of life must not touch one.
CREATE TABLE node (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host text NOT NULL,
  pid bigint NOT NULL,
  command text NOT NULL,
  entered_at bigint NOT NULL,
  last_seen bigint NOT NULL,         -- the engine's own clock
  lease_until timestamptz NOT NULL,  -- the database's clock
  left_at bigint
) WITH (fillfactor = 50);

CREATE TABLE definition (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version text NOT NULL UNIQUE,
  name text NOT NULL,
  body text NOT NULL,                -- JSON
  defined_at bigint NOT NULL,
  first_launched_at bigint
);
CREATE INDEX definition_of_pipeline ON definition (name);

-- The names behind step numbers, for everybody who reads with SQL.
CREATE TABLE definition_step (
  definition_id bigint NOT NULL,
  step integer NOT NULL,
  stage text NOT NULL,
  name text NOT NULL,
  resources text,                    -- JSON list of names; null when it names none
  target text,
  PRIMARY KEY (definition_id, step)
);

-- Ids of a process's executions lie between first_execution and last_execution; others' ids may lie there too.
CREATE TABLE process (
  id bigint PRIMARY KEY,
  definition_id bigint NOT NULL,
  state smallint NOT NULL,
  segment integer NOT NULL,
  opened bigint NOT NULL,            -- with the `open` of its tallies: unsettled executions in that segment, its own included
  total bigint NOT NULL,
  first_execution bigint NOT NULL,
  last_execution bigint NOT NULL,
  own_execution bigint,
  entity_segment integer,
  segments integer NOT NULL,
  lanes bigint NOT NULL,
  priority smallint NOT NULL,
  after bigint,                      -- the process that must settle first
  cancelling smallint,               -- the state it will have when its running lanes have stopped
  reopened boolean NOT NULL DEFAULT false, -- whether executions were run again after it had settled
  reason text,
  pipeline text NOT NULL,
  params text NOT NULL,              -- JSON object
  targets text NOT NULL,             -- JSON object: where each target is, without secrets
  folder text,
  launched_by text NOT NULL,
  launched_at bigint NOT NULL,
  ended_at bigint,
  overlap_hash bigint NOT NULL,
  idempotency_key text,
  node bigint NOT NULL               -- the engine that launched it: a launch that it leaves unfinished is removed
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX process_idempotency ON process (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX process_unsettled ON process (overlap_hash) WHERE state < 3;
CREATE INDEX process_of_pipeline ON process (pipeline, id);
CREATE INDEX process_of_version ON process (definition_id, launched_at);

-- The numbers of a process, as each engine moved them: summed when they are read, because one row for all engines would be the
-- hottest of all.
CREATE TABLE tally (
  process_id bigint NOT NULL,
  node bigint NOT NULL,
  open bigint NOT NULL,
  succeeded bigint NOT NULL,
  failed bigint NOT NULL,
  skipped bigint NOT NULL,
  cancelled bigint NOT NULL,
  rolled_back bigint NOT NULL,
  waiting bigint NOT NULL,
  PRIMARY KEY (process_id, node)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
-- Nearly every process of a good version has no failures, so that what failed is counted without the others.
CREATE INDEX tally_with_failures ON tally (process_id) WHERE failed <> 0;

-- The hot row: small, and the only place that says who may write for an execution.
CREATE TABLE execution (
  id bigint PRIMARY KEY,
  process_id bigint NOT NULL,
  lane_hash bigint,
  since bigint NOT NULL,             -- the account: open cause, its start, closed sums as JSON
  started_at bigint,
  ended_at bigint,
  wake_at bigint,                    -- when a parked execution is due; null where no time wakes it
  token bigint NOT NULL,
  node bigint,                       -- who claims it, or did last in this run
  run integer NOT NULL,
  segment integer NOT NULL,
  warnings bigint NOT NULL,
  failed_step integer,
  unread integer NOT NULL,           -- signals that came to it and that no step has taken
  state smallint NOT NULL,
  ready boolean NOT NULL,            -- whether it heads its lane key; one live execution of a key does
  per_process boolean NOT NULL,      -- the process's own execution
  cancelling boolean NOT NULL,
  rolling_back boolean NOT NULL,
  parked boolean NOT NULL,           -- it waits, or was woken and not claimed yet, in the middle of its segment
  cause text NOT NULL,
  about text,
  sums text,
  error text                         -- JSON
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX execution_claim ON execution (process_id, segment, id) WHERE state = 0 AND ready;
CREATE INDEX execution_lane ON execution (lane_hash, id) WHERE state < 3 AND lane_hash IS NOT NULL;
CREATE INDEX execution_running ON execution (node, id) WHERE state = 1;
CREATE INDEX execution_rolling_back ON execution (process_id, id) WHERE rolling_back;
CREATE INDEX execution_wake ON execution (wake_at, process_id) WHERE wake_at IS NOT NULL;

-- What never changes about an execution. The process's own execution has no row here.
CREATE TABLE entity (
  execution_id bigint PRIMARY KEY,
  process_id bigint NOT NULL,
  launched_at bigint,                -- null: when the process was
  entity_key text NOT NULL,
  attributes text                    -- JSON object; null when it has none
);
CREATE UNIQUE INDEX entity_by_key ON entity (process_id, entity_key);

-- One row per attempt, as small as can be; attempt 0 is a step that was never begun.
CREATE TABLE step (
  execution_id bigint NOT NULL,
  began bigint NOT NULL,
  micros bigint,                     -- from began to its end; null while it runs
  run integer NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  state smallint NOT NULL,
  PRIMARY KEY (execution_id, run, step, attempt)
) WITH (fillfactor = 90, autovacuum_vacuum_cost_delay = 0);

-- What there is to say about an attempt, if there is anything.
CREATE TABLE step_detail (
  execution_id bigint NOT NULL,
  run integer NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  failures bigint NOT NULL DEFAULT 0,
  retry_at bigint,
  carried_from integer,              -- the run whose outcome it takes over
  fallback boolean NOT NULL DEFAULT false,
  reason text,
  output text,                       -- JSON
  table_rows text,                   -- JSON list
  error text,                        -- JSON
  waits text,                        -- JSON list of [cause, microseconds]
  PRIMARY KEY (execution_id, run, step, attempt)
);

CREATE TABLE step_log (
  execution_id bigint NOT NULL,
  run integer NOT NULL,
  step integer NOT NULL,
  attempt integer NOT NULL,
  log text NOT NULL,
  PRIMARY KEY (execution_id, run, step, attempt)
);

-- Single waits that were long enough for the trace; step -1 is none in particular.
CREATE TABLE wait (
  execution_id bigint NOT NULL,
  began bigint NOT NULL,
  micros bigint NOT NULL,
  run integer NOT NULL,
  step integer NOT NULL,
  cause text NOT NULL,
  about text,
  PRIMARY KEY (execution_id, run, began, cause, step)
);

-- How a run ended that was left behind by the next one, or rolled back.
CREATE TABLE run_history (
  execution_id bigint NOT NULL,
  run integer NOT NULL,
  state smallint NOT NULL,
  warnings bigint NOT NULL,
  started_at bigint,
  ended_at bigint,
  failed_step integer,
  error text,                        -- JSON
  sums text,                         -- JSON
  rolled_back_at bigint,
  removed text,                      -- JSON list: rows removed per table
  PRIMARY KEY (execution_id, run)
);

-- What wakes a parked execution besides time.
CREATE TABLE wake_key (
  execution_id bigint NOT NULL,
  wake_key text NOT NULL,
  PRIMARY KEY (execution_id, wake_key)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Signals, numbered in each execution from 1.
CREATE TABLE signal (
  execution_id bigint NOT NULL,
  number integer NOT NULL,
  run integer NOT NULL,              -- in which it came
  sent_at bigint NOT NULL,
  wake_key text NOT NULL,
  sent_by text NOT NULL,
  data text,                         -- JSON
  idempotency_key text,
  taken_run integer,                 -- null while no step has taken it
  taken_step integer,
  taken_at bigint,
  PRIMARY KEY (execution_id, number)
);

-- Wishes of other programs. Numbers are not used twice, so that nobody reads another's answer.
CREATE TABLE request (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  wish text NOT NULL,                -- JSON
  posted_at bigint NOT NULL,
  node bigint,                       -- the engine that is about it; another takes it over when that one is dead
  answer text,                       -- JSON
  answered_at bigint
);
CREATE INDEX request_open ON request (posted_at) WHERE answer IS NULL;

-- One row per resource whose breaker ever counted anything. Of two writes the one that counts more changes stays.
CREATE TABLE breaker (
  resource text PRIMARY KEY,
  change bigint NOT NULL,
  state text NOT NULL,
  failures bigint NOT NULL,
  successes bigint NOT NULL,
  since bigint NOT NULL,
  until bigint,                      -- when it is tried again, while it is open by itself
  forced boolean NOT NULL,           -- whether a person holds it
  reason text
) WITH (fillfactor = 50);

-- The states that breakers were in, the newest thousand of each.
CREATE TABLE breaker_history (
  resource text NOT NULL,
  since bigint NOT NULL,
  change bigint NOT NULL,
  state text NOT NULL,
  until bigint,
  forced boolean NOT NULL,
  reason text,
  PRIMARY KEY (resource, since, change)
);

-- What pipelines are compared with.
CREATE TABLE baseline (
  pipeline text PRIMARY KEY,
  process_id bigint NOT NULL,        -- may be forgotten meanwhile
  version text NOT NULL,
  entities bigint NOT NULL,
  worked bigint NOT NULL,            -- microseconds
  set_by text NOT NULL,
  set_at bigint NOT NULL
);

-- Microseconds since 1970 as text for people and sorting: 2026-11-23T10:00:00.000000Z.
CREATE FUNCTION moment(micros bigint) RETURNS text LANGUAGE sql STABLE STRICT AS $$
  SELECT to_char(timestamp 'epoch' + micros * interval '1 microsecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Shapes that several queries share; not documented for users.
CREATE VIEW process_row AS
SELECT p.id, p.pipeline, d.version, p.params, p.state, p.reason, p.cancelling, p.segment, p.opened + t.open AS open, p.lanes, p.after,
  o.state AS own_state, p.total, t.succeeded, t.failed, t.skipped, t.cancelled, t.rolled_back,
  p.launched_by, p.launched_at, p.ended_at, p.own_execution, p.targets, p.reopened, p.folder, p.priority, t.waiting,
  o.segment AS own_segment
FROM process p
JOIN definition d ON d.id = p.definition_id
LEFT JOIN execution o ON o.id = p.own_execution
CROSS JOIN LATERAL (
  SELECT coalesce(sum(y.open), 0)::bigint AS open, coalesce(sum(y.succeeded), 0)::bigint AS succeeded,
    coalesce(sum(y.failed), 0)::bigint AS failed, coalesce(sum(y.skipped), 0)::bigint AS skipped,
    coalesce(sum(y.cancelled), 0)::bigint AS cancelled, coalesce(sum(y.rolled_back), 0)::bigint AS rolled_back,
    coalesce(sum(y.waiting), 0)::bigint AS waiting
  FROM tally y WHERE y.process_id = p.id
) t;

-- The range of ids says nothing that the process's id does not say, but it is what finds a process's executions quickly.
CREATE VIEW execution_row AS
SELECT e.id, p.id AS process_id, n.entity_key, n.attributes, e.run, e.state, e.segment,
  CASE WHEN NOT e.ready AND e.state < 3 THEN (
    SELECT h.id FROM execution h WHERE h.lane_hash = e.lane_hash AND h.state < 3 AND h.ready LIMIT 1
  ) END AS behind,
  e.rolling_back, e.cancelling, e.since, e.cause, e.about, e.sums,
  coalesce(n.launched_at, p.launched_at) AS launched_at, e.started_at, e.ended_at,
  (SELECT s.stage || '/' || s.name FROM definition_step s WHERE s.definition_id = p.definition_id AND s.step = e.failed_step) AS failed_step,
  e.error, e.warnings
FROM execution e
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution AND p.state > 0
LEFT JOIN entity n ON n.execution_id = e.id;

-- One attempt with the names behind its numbers.
CREATE VIEW attempt_row AS
SELECT s.execution_id, s.run, ds.stage, ds.name, s.attempt, s.state, s.began, s.began + s.micros AS ended, d.retry_at,
  coalesce(d.fallback, false) AS fallback, d.carried_from, d.reason, d.table_rows, d.output, d.error, d.waits,
  p.id AS process_id, s.step, s.micros, ds.resources, ds.target, e.node, n.entity_key, n.attributes
FROM step s
JOIN execution e ON e.id = s.execution_id
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution
JOIN definition_step ds ON ds.definition_id = p.definition_id AND ds.step = s.step
LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
LEFT JOIN entity n ON n.execution_id = s.execution_id;

-- What people read with `carril sql`, documented in docs/reference/store.md.
CREATE VIEW processes AS
SELECT id AS process_id, pipeline, substr(version, 1, 8) AS version, params,
  CASE state WHEN 0 THEN 'launching' WHEN 1 THEN 'running' WHEN 2 THEN 'paused' WHEN 3 THEN 'succeeded'
    WHEN 4 THEN 'completed_with_errors' WHEN 5 THEN 'failed' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  reason, total, succeeded, failed, skipped, cancelled, rolled_back, waiting, lanes, priority, folder, launched_by,
  moment(launched_at) AS launched_at, moment(ended_at) AS ended_at,
  launched_at AS launched_at_us, ended_at AS ended_at_us
FROM process_row
WHERE state > 0;

CREATE VIEW executions AS
SELECT id AS execution_id, process_id, entity_key, run,
  CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'waiting' WHEN 3 THEN 'succeeded' WHEN 4 THEN 'failed'
    WHEN 5 THEN 'skipped' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  cause, about, sums AS account, failed_step, error::json ->> 'code' AS error_code, error::json ->> 'message' AS error, warnings, attributes,
  moment(started_at) AS started_at, moment(ended_at) AS ended_at,
  launched_at AS launched_at_us, started_at AS started_at_us, ended_at AS ended_at_us
FROM execution_row;

CREATE VIEW steps AS
SELECT execution_id, process_id, entity_key, run, stage, name AS step, attempt,
  CASE state WHEN 0 THEN 'pending' WHEN 1 THEN 'running' WHEN 2 THEN 'succeeded' WHEN 3 THEN 'failed' WHEN 4 THEN 'skipped'
    WHEN 5 THEN 'cancelled' WHEN 7 THEN 'waiting' ELSE 'interrupted' END AS state,
  fallback, reason, table_rows AS rows, output, error::json ->> 'code' AS error_code, error::json ->> 'message' AS error, waits, carried_from,
  moment(began) AS began, micros / 1000.0::double precision AS duration_ms, began AS began_us, ended AS ended_us
FROM attempt_row;

CREATE VIEW waits AS
SELECT w.execution_id, p.id AS process_id, n.entity_key, w.run, ds.stage, ds.name AS step, w.cause, w.about,
  moment(w.began) AS began, w.micros / 1000.0::double precision AS duration_ms, e.node, w.began AS began_us, w.micros AS duration_us
FROM wait w
JOIN execution e ON e.id = w.execution_id
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution
LEFT JOIN definition_step ds ON ds.definition_id = p.definition_id AND ds.step = w.step
LEFT JOIN entity n ON n.execution_id = w.execution_id;

CREATE VIEW trace AS
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
    began_us, duration_us, node, json_build_object('cause', cause)::text
  FROM waits
)
SELECT process_id, execution_id, entity_key, run, stage, step, attempt, resource, event,
  moment(at_us) AS at, duration_us / 1000.0::double precision AS duration_ms, node AS worker, details, at_us, duration_us
FROM event;

CREATE VIEW breakers AS
SELECT resource, state, failures, successes, forced, reason, moment(since) AS since, moment(until) AS until,
  since AS since_us, until AS until_us
FROM breaker;

CREATE VIEW breaker_changes AS
SELECT resource, state, forced, reason, moment(since) AS since, moment(until) AS until, since AS since_us, until AS until_us
FROM breaker_history;
