-- Launches that never finished. A process that is being forgotten looks like one, but has an end.
-- No parameters. Index: process_unsettled, read whole; it holds little more than unsettled processes.
SELECT id FROM process INDEXED BY process_unsettled WHERE state < 3 AND state = 0 AND ended_at IS NULL ORDER BY id;
