-- Writes what engines have of limits. $1 resources, $2 kinds, $3 engines, $4 totals, $5 allotments, $6 what they want, $7 since
-- (microseconds). By primary key.
INSERT INTO allotment (resource, kind, node, total, granted, wants, since)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
ON CONFLICT (resource, kind, node) DO UPDATE SET total = excluded.total, granted = excluded.granted, wants = excluded.wants,
  since = excluded.since;
