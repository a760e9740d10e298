-- The tables in a schema: oid and name. $1 schema.
select c.oid, c.relname::text
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname;
