-- Where processes came from that another program ran: the source's name, and what it called them.
CREATE TABLE imported (
  process_id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  source_key TEXT NOT NULL,
  imported_at INTEGER NOT NULL   -- microseconds
) STRICT;
-- Once each, and found by what it was called.
CREATE UNIQUE INDEX imported_key ON imported (source_key, source);

CREATE VIEW imports AS
SELECT process_id, source, source_key,
  printf('%s.%06dZ', strftime('%Y-%m-%dT%H:%M:%S', imported_at / 1000000, 'unixepoch'), imported_at % 1000000) AS imported_at,
  imported_at AS imported_at_us
FROM imported;
