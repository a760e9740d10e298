-- Keeps that the number of a process's lanes was changed.
-- $1 process, $2 when (microseconds), $3 the engine, $4 the number before and $5 after, $6 why, $7 the same for people. By primary key.
INSERT INTO lanes_change (process_id, number, changed_at, node, before, after, most, reason, detail)
SELECT $1::bigint, max(number) + 1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, max(most), $6::text, $7::text FROM lanes_change WHERE process_id = $1::bigint;
