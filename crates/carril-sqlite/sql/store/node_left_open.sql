-- Whether an engine entered and never left: the last stop was not clean.
-- No parameters. Index: none, one row per engine that ever ran.
SELECT EXISTS (SELECT 1 FROM node WHERE left_at IS NULL);
