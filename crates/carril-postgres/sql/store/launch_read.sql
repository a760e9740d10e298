-- What a further chunk of a launch needs to know.
-- $1 process. By primary key.
SELECT state, entity_segment, launched_at FROM process WHERE id = $1::bigint;
