-- What each engine may use of a limit that all of them share: slots of a resource, thousandths of its rate. Rows of engines that are over
-- say nothing, and go with the engine. What is allotted never sums up to more than there is.
CREATE TABLE allotment (
  resource text NOT NULL,
  kind text NOT NULL,                -- slot, rate
  node bigint NOT NULL,
  total bigint NOT NULL,             -- how much there is by this engine's pipelines; the largest holds
  granted bigint NOT NULL,           -- what it may use
  wants bigint NOT NULL,             -- what it could use
  since bigint NOT NULL,             -- microseconds, on the database's clock: since when it has some, or waits with nothing
  PRIMARY KEY (resource, kind, node)
) WITH (fillfactor = 70);
