-- What the relations of a workspace's schema are called, which has just been made: $1 schema. As `relation_names.sql`, for all of
-- them at once; there are no views and no partitions among them yet. By what depends on the schema and by the tables of indexes:
-- no index knows a schema's relations, and there may be very many schemas. Of an index only that it does not count is of use.
with made as materialized (
    select c.oid, c.relname::text as relname, c.relkind
    from pg_depend as d
    join pg_class as c on c.oid = d.objid
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace(quote_ident($1))
        and d.classid = 'pg_class'::regclass
)
select oid, $1, relname, relkind in ('r', 'p', 'f', 'm'), false
from made
union all
select indexrelid, $1, '', false, false
from pg_index
where indrelid in (select oid from made);
