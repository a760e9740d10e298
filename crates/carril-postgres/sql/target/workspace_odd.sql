-- What a schema holds besides tables and what belongs to them: views, functions, types that a step's SQL made. $1 schema.
select c.relname::text
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('v', 'm', 'f')
union all
select p.proname::text
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
where n.nspname = $1
order by 1
limit 1;
