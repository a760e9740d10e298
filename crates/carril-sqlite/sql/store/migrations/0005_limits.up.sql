-- Priorities of processes, and circuit breakers: where each is, and every state that it was in.
-- Processes that were launched before have priority 0.
DROP VIEW processes;
DROP VIEW process_row;
ALTER TABLE process ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

-- One row per resource whose breaker ever counted anything. Of two writes the one that counts more changes stays.
CREATE TABLE breaker (
  resource TEXT PRIMARY KEY,
  change INTEGER NOT NULL,
  state TEXT NOT NULL,
  failures INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,               -- when it is tried again, while it is open by itself
  forced INTEGER NOT NULL,     -- whether a person holds it
  reason TEXT
) STRICT, WITHOUT ROWID;

-- The states that breakers were in, the newest thousand of each.
CREATE TABLE breaker_history (
  resource TEXT NOT NULL,
  since INTEGER NOT NULL,
  change INTEGER NOT NULL,
  state TEXT NOT NULL,
  until INTEGER,
  forced INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY (resource, since, change)
) STRICT, WITHOUT ROWID;

CREATE VIEW breakers AS
SELECT resource, state, failures, successes, forced, reason,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', since / 1000000, 'unixepoch'), since % 1000000) AS since,
  CASE WHEN until IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', until / 1000000, 'unixepoch'), until % 1000000) END AS until,
  since AS since_us, until AS until_us
FROM breaker;

CREATE VIEW breaker_changes AS
SELECT resource, state, forced, reason,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', since / 1000000, 'unixepoch'), since % 1000000) AS since,
  CASE WHEN until IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', until / 1000000, 'unixepoch'), until % 1000000) END AS until,
  since AS since_us, until AS until_us
FROM breaker_history;


CREATE VIEW process_row AS
SELECT p.id, p.pipeline, d.version, p.params, p.state, p.reason, p.cancelling, p.segment, p.open, p.lanes, p.after,
  o.state AS own_state, p.total, p.succeeded, p.failed, p.skipped, p.cancelled, p.rolled_back,
  p.launched_by, p.launched_at, p.ended_at, p.own_execution, p.targets, p.reopened, p.folder, p.priority
FROM process p
JOIN definition d ON d.id = p.definition_id
LEFT JOIN execution o ON o.id = p.own_execution;

CREATE VIEW processes AS
SELECT id AS process_id, pipeline, substr(version, 1, 8) AS version, params,
  CASE state WHEN 0 THEN 'launching' WHEN 1 THEN 'running' WHEN 2 THEN 'paused' WHEN 3 THEN 'succeeded'
    WHEN 4 THEN 'completed_with_errors' WHEN 5 THEN 'failed' WHEN 6 THEN 'cancelled' ELSE 'rolled_back' END AS state,
  reason, total, succeeded, failed, skipped, cancelled, rolled_back, lanes, priority, folder, launched_by,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', launched_at / 1000000, 'unixepoch'), launched_at % 1000000) AS launched_at,
  CASE WHEN ended_at IS NOT NULL THEN
    printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000, 'unixepoch'), ended_at % 1000000) END AS ended_at,
  launched_at AS launched_at_us, ended_at AS ended_at_us
FROM process_row
WHERE state > 0;
