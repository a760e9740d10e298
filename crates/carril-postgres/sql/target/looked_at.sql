-- What the server has locked for this transaction besides the locks $1 (as `locked.sql` gives them), which is what a statement
-- that was planned since then reads and writes: schema, name, kind (pg_class.relkind), whether it would be written, and the first
-- trigger of a user's that a write may set off.
select
    n.nspname::text,
    c.relname::text,
    c.relkind::text,
    w.writes,
    (
        select t.tgname::text
        from pg_trigger as t
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D' and w.writes
        order by t.tgname
        limit 1
    )
from (
    select l.relation, bool_or(l.mode not in ('AccessShareLock', 'RowShareLock')) as writes
    from pg_locks as l
    where l.locktype = 'relation' and l.granted and l.pid = pg_backend_pid()
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
        and l.relation::text || ' ' || l.mode <> all ($1::text[])
    group by l.relation
) as w
join pg_class as c on c.oid = w.relation
join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'm', 'v') and not c.relispartition
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and n.oid <> coalesce(nullif(pg_my_temp_schema(), 0), 1)
order by n.nspname, c.relname;
