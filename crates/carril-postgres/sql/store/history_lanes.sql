-- The newest changes of the number of a process's lanes, newest first. $1 process, $2 how many. By primary key.
SELECT changed_at, node, before, after, most, reason, detail FROM lanes_change
WHERE process_id = $1::bigint ORDER BY number DESC LIMIT $2::bigint;
