-- Rows that earlier transactions of this session have written and the server has not yet taken note of: schema, table, rows
-- inserted, updated, deleted. For servers before version 15, which count them again in this one. Reads all of pg_class.
select
    n.nspname::text,
    r.relname::text,
    sum(pg_stat_get_xact_tuples_inserted(c.oid))::bigint,
    sum(pg_stat_get_xact_tuples_updated(c.oid))::bigint,
    sum(pg_stat_get_xact_tuples_deleted(c.oid))::bigint
from pg_class as c
join pg_class as r on r.oid = coalesce(case when c.relispartition then pg_partition_root(c.oid) end, c.oid)
join pg_namespace as n on n.oid = r.relnamespace
where c.relkind in ('r', 'p') and c.oid >= 16384
    and pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
        + pg_stat_get_xact_tuples_deleted(c.oid) > 0
group by n.nspname, r.relname;
