-- An engine enters; its lease begins now.
-- $1 host, $2 operating system process id, $3 command, $4 now (microseconds), $5 how long a lease lasts (milliseconds).
INSERT INTO node (host, pid, command, entered_at, last_seen, lease_until)
VALUES ($1::text, $2::bigint, $3::text, $4::bigint, $4::bigint, clock_timestamp() + $5::bigint * interval '1 millisecond')
RETURNING id;
