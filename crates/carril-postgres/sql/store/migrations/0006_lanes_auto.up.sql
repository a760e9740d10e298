-- Processes that find out the number of their lanes: how they began, and every change. A process without a row here has one number for good.
CREATE TABLE lanes_change (
  process_id bigint NOT NULL,
  number bigint NOT NULL,            -- 0 is the launch
  changed_at bigint NOT NULL,        -- microseconds
  node bigint NOT NULL,              -- the engine that decided it
  before bigint NOT NULL,
  after bigint NOT NULL,
  most bigint NOT NULL,              -- the number that it never goes above
  reason text NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (process_id, number)
);

CREATE VIEW lanes_changes AS
SELECT process_id, before, after, most, reason, detail, node AS worker, moment(changed_at) AS at, changed_at AS at_us
FROM lanes_change;
