-- Where processes are: id, state, segment, what a cancel makes of it, and its lanes.
-- $1 processes. By primary key.
SELECT id, state, segment, cancelling, lanes FROM process WHERE id = ANY($1::bigint[]);
