-- Says that a process finds out the number of its lanes.
-- $1 process, $2 when (microseconds), $3 the engine, $4 the number that it begins with, $5 the number that it never goes above.
INSERT INTO lanes_change (process_id, number, changed_at, node, before, after, most, reason, detail)
VALUES ($1::bigint, 0, $2::bigint, $3::bigint, $4::bigint, $4::bigint, $5::bigint, 'launched', 'the number that it begins with');
