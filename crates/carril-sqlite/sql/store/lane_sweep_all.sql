-- Takes every settled execution out of execution_lane: what a stopped engine had not yet swept.
-- No parameters. Index: execution_lane, read whole; it holds little more than the unsettled ones.
UPDATE execution INDEXED BY execution_lane SET lane_open = 0 WHERE lane_open = 1 AND state > 2;
