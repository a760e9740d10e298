-- Counts a chunk of executions in.
-- $1 process, $2 how many, $3 how many of them are open, $4 the last one's id. By primary key.
UPDATE process SET total = total + $2::bigint, opened = opened + $3::bigint, last_execution = greatest(last_execution, $4::bigint) WHERE id = $1::bigint;
