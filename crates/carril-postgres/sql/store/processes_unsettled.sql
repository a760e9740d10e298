-- Every process that is not settled. One that is being forgotten was.
-- No parameters. Index: process_unsettled, read whole; it holds little more than unsettled processes.
SELECT id FROM process WHERE state < 3 AND ended_at IS NULL ORDER BY id;
