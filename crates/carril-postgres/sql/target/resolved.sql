-- The schema in which the server finds a name as it is written, or null: $1 the name.
select n.nspname::text
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where c.oid = to_regclass($1);
