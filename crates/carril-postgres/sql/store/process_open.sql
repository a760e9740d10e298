-- Says how many executions the present segment has, whatever the engines have counted in it so far.
-- $1 process, $2 how many. By primary keys.
UPDATE process SET opened = $2::bigint - (SELECT coalesce(sum(t.open), 0) FROM tally t WHERE t.process_id = $1::bigint)
WHERE id = $1::bigint;
