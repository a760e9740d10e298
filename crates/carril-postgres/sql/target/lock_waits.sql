-- What sessions wait for: $1 their process ids. Process, those that block it (0 is a prepared transaction), what is locked, the lock it
-- wants, how long it has waited (microseconds; null for an instant after it began), tables: the one that is locked, or whose row is; and
-- where a transaction is waited for, those that both sides have written. An index is called as its table, a partition as the whole.
with held as materialized (
    select pid, locktype, relation, mode, granted, waitstart
    from pg_locks
    where database is null or database = 0
        or database = (select oid from pg_database where datname = current_database())
), wanted as materialized (
    select distinct on (pid) pid, locktype, relation, mode, waitstart
    from held
    where not granted and pid = any ($1::int4[])
    order by pid, waitstart
), blocked as materialized (
    select pid, pg_blocking_pids(pid) as blockers
    from wanted
), involved as (
    select w.pid, w.relation, true as is_sure
    from wanted as w
    where w.relation is not null
    union
    select w.pid, own.relation, true
    from wanted as w
    join held as own on own.pid = w.pid and own.locktype = 'tuple' and own.granted
    where w.relation is null
    union
    select w.pid, own.relation, false
    from wanted as w
    join blocked as b on b.pid = w.pid
    join held as own on own.pid = w.pid and own.locktype = 'relation' and own.granted
    join held as other on other.relation = own.relation and other.pid = any (b.blockers) and other.locktype = 'relation' and other.granted
    where w.relation is null and w.locktype in ('transactionid', 'spectoken')
        and own.mode not in ('AccessShareLock', 'RowShareLock') and other.mode not in ('AccessShareLock', 'RowShareLock')
), named as (
    select distinct i.pid, i.is_sure,
        case when pg_table_is_visible(r.oid) or n.nspname ~ '^carril_p[0-9]+_e[0-9]+_r[0-9]+$' then r.relname::text
            else n.nspname || '.' || r.relname end as table_name
    from involved as i
    join pg_class as c on c.oid = i.relation
    left join pg_index as x on x.indexrelid = c.oid
    join pg_class as r on r.oid = coalesce(pg_partition_root(coalesce(x.indrelid, c.oid)), x.indrelid, c.oid)
    join pg_namespace as n on n.oid = r.relnamespace
    where r.relkind in ('r', 'p', 'f', 'm', 'v')
)
select
    w.pid,
    b.blockers,
    w.locktype,
    w.mode,
    (extract(epoch from clock_timestamp() - w.waitstart) * 1000000)::int8,
    array(select table_name from named where named.pid = w.pid and is_sure order by 1),
    array(select table_name from named where named.pid = w.pid and not is_sure order by 1)
from wanted as w
join blocked as b on b.pid = w.pid;
