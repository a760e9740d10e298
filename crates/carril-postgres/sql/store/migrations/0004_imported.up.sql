-- Where processes came from that another program ran: the source's name, and what it called them.
CREATE TABLE imported (
  process_id bigint PRIMARY KEY,
  source text NOT NULL,
  source_key text NOT NULL,
  imported_at bigint NOT NULL        -- microseconds
);
-- Once each, and found by what it was called.
CREATE UNIQUE INDEX imported_key ON imported (source_key, source);

CREATE VIEW imports AS
SELECT process_id, source, source_key, moment(imported_at) AS imported_at, imported_at AS imported_at_us
FROM imported;
