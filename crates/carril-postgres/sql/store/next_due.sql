-- When the next parked execution is due.
-- No parameters. Index: execution_wake.
SELECT min(wake_at) FROM execution WHERE wake_at IS NOT NULL;
