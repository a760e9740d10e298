-- For guard rails: when each version was launched first, its processes by time, and what pipelines are compared with.
-- first_launched_at is null for versions that were launched before; their oldest process tells it then.
ALTER TABLE definition ADD COLUMN first_launched_at INTEGER;
CREATE INDEX definition_of_pipeline ON definition (name);
CREATE INDEX process_of_pipeline ON process (pipeline);
CREATE INDEX process_of_version ON process (definition_id, launched_at);
-- Nearly every process of a good version has no failures, so that what failed is counted without the others.
CREATE INDEX process_with_failures ON process (definition_id, launched_at) WHERE failed > 0;

CREATE TABLE baseline (
  pipeline TEXT PRIMARY KEY,
  process_id INTEGER NOT NULL,   -- may be forgotten meanwhile
  version TEXT NOT NULL,
  entities INTEGER NOT NULL,
  worked INTEGER NOT NULL,       -- microseconds
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
