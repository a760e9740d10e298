-- Launches that never finished.
-- No parameters. Index: process_unsettled, read whole; it holds unsettled processes only.
SELECT id FROM process INDEXED BY process_unsettled WHERE state < 3 AND state = 0 ORDER BY id;
