-- What the relations of a workspace's schema are called, which has just been made: $1 schema. As `relation_names.sql`, for all of
-- them at once; there are no views among them yet.
select
    c.oid,
    n.nspname::text,
    r.relname::text,
    c.relkind in ('r', 'p', 'f', 'm', 'v'),
    c.relkind = 'v'
from pg_namespace as n
join pg_class as c on c.relnamespace = n.oid
join pg_class as r on r.oid = coalesce(case when c.relispartition then pg_partition_root(c.oid) end, c.oid)
where n.nspname = $1;
