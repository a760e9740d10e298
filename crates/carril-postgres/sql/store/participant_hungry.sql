-- Whether an engine found work in a process and no lane left for it. It asks again each second, so what it said is soon forgotten: it
-- may have filled its own lanes with other work.
-- $1 process, $2 node, $3 whether. By primary key.
INSERT INTO participant (process_id, node, hungry_until)
VALUES ($1::bigint, $2::bigint, CASE WHEN $3::boolean THEN clock_timestamp() + interval '3 seconds' END)
ON CONFLICT (process_id, node) DO UPDATE SET hungry_until = excluded.hungry_until;
