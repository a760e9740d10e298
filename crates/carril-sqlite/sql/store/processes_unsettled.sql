-- Every process that is not settled.
-- No parameters. Index: process_unsettled, read whole; it holds unsettled processes only.
SELECT id FROM process INDEXED BY process_unsettled WHERE state < 3 ORDER BY id;
