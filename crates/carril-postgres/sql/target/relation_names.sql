-- What relations are called: $1 oids. Oid, schema, table, and whether it is one that counts: no index, sequence or toast table, nothing
-- of the server's own and nothing temporary. A partition is called as its table; a view counts only where it was made or changed.
select
    c.oid,
    n.nspname::text,
    r.relname::text,
    c.relkind in ('r', 'p', 'f', 'm', 'v')
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and n.oid <> coalesce(nullif(pg_my_temp_schema(), 0), 1),
    c.relkind = 'v'
from pg_class as c
join pg_class as r on r.oid = coalesce(case when c.relispartition then pg_partition_root(c.oid) end, c.oid)
join pg_namespace as n on n.oid = r.relnamespace
where c.oid = any ($1::oid[]);
