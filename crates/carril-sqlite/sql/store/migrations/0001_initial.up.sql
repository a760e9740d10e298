-- The first schema: everything the engine remembers.
--
-- Times are microseconds since 1970 (UTC), spans are microseconds, states are the codes of carril-model.
-- There are no foreign keys: nothing here is written but by the store's own verbs, each one transaction.

-- Numbers given out so far. Processes and executions share 'id', so that a number names one thing only.
CREATE TABLE sequence (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence (name, next) VALUES ('id', 1);

-- One row per engine that ever entered. An engine without left_at is at work, or died.
CREATE TABLE node (
  id INTEGER PRIMARY KEY,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  command TEXT NOT NULL,
  entered_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  left_at INTEGER
) STRICT;

CREATE TABLE definition (
  id INTEGER PRIMARY KEY,
  version TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  body TEXT NOT NULL,          -- JSON
  defined_at INTEGER NOT NULL
) STRICT;

-- The names behind step numbers, for everybody who reads with SQL.
CREATE TABLE definition_step (
  definition_id INTEGER NOT NULL,
  step INTEGER NOT NULL,
  stage TEXT NOT NULL,
  name TEXT NOT NULL,
  resources TEXT,              -- JSON list of names; null when it names none
  target TEXT,
  PRIMARY KEY (definition_id, step)
) STRICT, WITHOUT ROWID;

-- Ids of a process's executions lie between first_execution and last_execution; others' ids may lie there too.
CREATE TABLE process (
  id INTEGER PRIMARY KEY,
  definition_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  open INTEGER NOT NULL,       -- unsettled executions in that segment, the process's own included
  total INTEGER NOT NULL,
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  rolled_back INTEGER NOT NULL DEFAULT 0,
  first_execution INTEGER NOT NULL,
  last_execution INTEGER NOT NULL,
  own_execution INTEGER,
  entity_segment INTEGER,
  segments INTEGER NOT NULL,
  lanes INTEGER NOT NULL,
  after INTEGER,               -- the process that must settle first
  cancelling INTEGER,          -- the state it will have when its running lanes have stopped
  reopened INTEGER NOT NULL DEFAULT 0, -- whether executions were run again after it had settled
  reason TEXT,
  pipeline TEXT NOT NULL,
  params TEXT NOT NULL,        -- JSON object
  targets TEXT NOT NULL,       -- JSON object: where each target is, without secrets
  launched_by TEXT NOT NULL,
  launched_at INTEGER NOT NULL,
  ended_at INTEGER,
  overlap_hash INTEGER NOT NULL,
  idempotency_key TEXT
) STRICT;
CREATE UNIQUE INDEX process_idempotency ON process (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX process_unsettled ON process (overlap_hash) WHERE state < 3;

-- The hot row: small, and the only place that says who may write for an execution.
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
CREATE INDEX execution_claim ON execution (process_id, segment) WHERE state = 0 AND ready = 1;
CREATE INDEX execution_lane ON execution (lane_hash) WHERE lane_open = 1;
CREATE INDEX execution_rolling_back ON execution (process_id) WHERE rolling_back = 1;

-- What never changes about an execution. The process's own execution has no row here.
CREATE TABLE entity (
  execution_id INTEGER PRIMARY KEY,
  process_id INTEGER NOT NULL,
  entity_key TEXT NOT NULL,
  attributes TEXT,               -- JSON object; null when it has none
  launched_at INTEGER            -- null: when the process was
) STRICT;
CREATE UNIQUE INDEX entity_by_key ON entity (process_id, entity_key);

-- One row per attempt, as small as can be; attempt 0 is a step that was never begun.
CREATE TABLE step (
  execution_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  state INTEGER NOT NULL,
  began INTEGER NOT NULL,
  micros INTEGER,                -- from began to its end; null while it runs
  PRIMARY KEY (execution_id, run, step, attempt)
) STRICT, WITHOUT ROWID;

-- What there is to say about an attempt, if there is anything.
CREATE TABLE step_detail (
  execution_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  fallback INTEGER NOT NULL DEFAULT 0,
  retry_at INTEGER,
  carried_from INTEGER,          -- the run whose outcome it takes over
  reason TEXT,
  output TEXT,                   -- JSON
  table_rows TEXT,               -- JSON list
  error TEXT,                    -- JSON
  waits TEXT,                    -- JSON list of [cause, microseconds]
  PRIMARY KEY (execution_id, run, step, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE step_log (
  execution_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  step INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  log TEXT NOT NULL,
  PRIMARY KEY (execution_id, run, step, attempt)
) STRICT, WITHOUT ROWID;

-- Single waits that were long enough for the trace; step -1 is none in particular.
CREATE TABLE wait (
  execution_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  began INTEGER NOT NULL,
  cause TEXT NOT NULL,
  step INTEGER NOT NULL,
  micros INTEGER NOT NULL,
  about TEXT,
  PRIMARY KEY (execution_id, run, began, cause, step)
) STRICT, WITHOUT ROWID;

-- How a run ended that was left behind by the next one, or rolled back.
CREATE TABLE run_history (
  execution_id INTEGER NOT NULL,
  run INTEGER NOT NULL,
  state INTEGER NOT NULL,
  warnings INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  failed_step INTEGER,
  error TEXT,                    -- JSON
  sums TEXT,                     -- JSON
  rolled_back_at INTEGER,
  removed TEXT,                  -- JSON list: rows removed per table
  PRIMARY KEY (execution_id, run)
) STRICT, WITHOUT ROWID;

-- Wishes of other programs. Numbers are not used twice, so that nobody reads another's answer.
CREATE TABLE request (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wish TEXT NOT NULL,            -- JSON
  posted_at INTEGER NOT NULL,
  answer TEXT,                   -- JSON
  answered_at INTEGER
) STRICT;
CREATE INDEX request_open ON request (posted_at) WHERE answer IS NULL;

-- Shapes that several queries share; not documented for users.
CREATE VIEW process_row AS
SELECT p.id, p.pipeline, d.version, p.params, p.state, p.reason, p.cancelling, p.segment, p.open, p.lanes, p.after,
  o.state AS own_state, p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back,
  p.launched_by, p.launched_at, p.ended_at, p.own_execution, p.targets, p.reopened
FROM process p
JOIN definition d ON d.id = p.definition_id
LEFT JOIN execution o ON o.id = p.own_execution;

-- The range of ids says nothing that the process's id does not say, but it is what finds a process's executions quickly.
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
