-- An engine can run these processes; a second time is no change.
-- $1 node, $2 processes. By primary key.
INSERT INTO participant (process_id, node) SELECT p.id, $1::bigint FROM unnest($2::bigint[]) p (id) ORDER BY p.id
ON CONFLICT DO NOTHING;
