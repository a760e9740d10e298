-- Where processes are: id, state, segment, and what a cancel makes of it.
-- $1 processes. By primary key.
SELECT id, state, segment, cancelling FROM process WHERE id = ANY($1::bigint[]);
