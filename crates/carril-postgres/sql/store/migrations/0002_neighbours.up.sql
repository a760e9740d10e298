-- What engines on one store know of each other.

-- Who lives. A sign of life touches no index: of a node's columns only `left_at` is in this one.
CREATE INDEX node_living ON node (id) WHERE left_at IS NULL;

-- What an engine runs and is to stop; nearly always empty.
CREATE INDEX execution_cancelling ON execution (node, id) WHERE state = 1 AND cancelling;

-- Which engines can run a process, besides the one that launched it. Those of an engine that is over say nothing.
CREATE TABLE participant (
  process_id bigint NOT NULL,
  node bigint NOT NULL,
  hungry_until timestamptz,          -- it found work there and no lane of the process's left for it; on the database's clock
  PRIMARY KEY (process_id, node)
) WITH (fillfactor = 70);
