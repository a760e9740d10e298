-- Processes as the store has them.
-- $1 processes. By primary keys.
SELECT * FROM process_row WHERE id = ANY($1::bigint[]);
