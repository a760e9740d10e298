-- A definition that was kept.
-- $1 version. By its unique index.
SELECT body FROM definition WHERE version = $1::text;
