-- Processes that find out the number of their lanes: how they began, and every change. A process without a row here has one number for good.
CREATE TABLE lanes_change (
  process_id INTEGER NOT NULL,
  number INTEGER NOT NULL,       -- 0 is the launch
  changed_at INTEGER NOT NULL,   -- microseconds
  node INTEGER NOT NULL,         -- the engine that decided it
  before INTEGER NOT NULL,
  after INTEGER NOT NULL,
  most INTEGER NOT NULL,         -- the number that it never goes above
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (process_id, number)
) STRICT, WITHOUT ROWID;

CREATE VIEW lanes_changes AS
SELECT process_id, before, after, most, reason, detail, node AS worker,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', changed_at / 1000000, 'unixepoch'), changed_at % 1000000) AS at, changed_at AS at_us
FROM lanes_change;
