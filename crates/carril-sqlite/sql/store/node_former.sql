-- Engines that entered and never left, with the last time they were seen (microseconds).
-- ?1 the engine that asks. Index: none, one row per engine that ever ran.
SELECT id, last_seen FROM node WHERE left_at IS NULL AND id <> ?1;
