-- The number of a definition.
-- $1 version. By its unique index.
SELECT id FROM definition WHERE version = $1::text;
