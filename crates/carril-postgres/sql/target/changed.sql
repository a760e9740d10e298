-- Which relations this transaction has locked for writing, and how many rows of each it has written: oid, whether the relation itself
-- may have been changed, rows inserted, updated, deleted. Every write locks its table until the end of the transaction, whoever
-- does it: a statement, a trigger, a function. Names are asked for apart, since planning that costs more than all the rest.
select
    l.relation,
    bool_or(l.mode <> 'RowExclusiveLock'),
    pg_stat_get_xact_tuples_inserted(l.relation),
    pg_stat_get_xact_tuples_updated(l.relation),
    pg_stat_get_xact_tuples_deleted(l.relation)
from pg_locks as l
where l.locktype = 'relation' and l.granted and l.pid = pg_backend_pid() and l.database <> 0
    and l.mode not in ('AccessShareLock', 'RowShareLock')
group by l.relation;
