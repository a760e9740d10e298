-- What is the same on all connections: the version as a number, and the schemas that plain names are looked for in. A schema that holds
-- a store of Carril's is none of them, though it often has the name of the user and so stands in his path: its tables would be
-- taken for those of a pipeline that have the same names.
select current_setting('server_version_num')::int4, array(
    select s.name from unnest(current_schemas(false)) with ordinality s (name, at)
    where not exists (
        select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = s.name and c.relname = 'carril_schema' and c.relkind = 'r'
    )
    order by s.at
)::text[];
