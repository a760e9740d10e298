-- Which tables this transaction has locked for writing, and how many rows of each it has written: schema, table, rows inserted,
-- updated, deleted, and whether the table itself may have been changed. Partitions count as their table. Every write locks
-- its table until the end of the transaction, whoever does it: a statement, a trigger, a function. Temporary tables are left out.
select
    n.nspname::text,
    r.relname::text,
    sum(pg_stat_get_xact_tuples_inserted(w.relation))::bigint,
    sum(pg_stat_get_xact_tuples_updated(w.relation))::bigint,
    sum(pg_stat_get_xact_tuples_deleted(w.relation))::bigint,
    bool_or(w.strong)
from (
    select l.relation, bool_or(l.mode <> 'RowExclusiveLock') as strong
    from pg_locks as l
    where l.locktype = 'relation' and l.granted and l.pid = pg_backend_pid()
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
        and l.mode not in ('AccessShareLock', 'RowShareLock')
    group by l.relation
) as w
join pg_class as c on c.oid = w.relation
join pg_class as r on r.oid = coalesce(case when c.relispartition then pg_partition_root(c.oid) end, c.oid)
join pg_namespace as n on n.oid = r.relnamespace
where (c.relkind in ('r', 'p', 'f', 'm') or (c.relkind = 'v' and w.strong))
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and n.oid <> coalesce(nullif(pg_my_temp_schema(), 0), 1)
group by n.nspname, r.relname
order by n.nspname, r.relname;
