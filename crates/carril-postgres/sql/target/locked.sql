-- The locks on tables that this transaction holds, each as oid and mode.
select coalesce(array_agg(l.relation::text || ' ' || l.mode), '{}')::text[]
from pg_locks as l
where l.locktype = 'relation' and l.granted and l.pid = pg_backend_pid();
