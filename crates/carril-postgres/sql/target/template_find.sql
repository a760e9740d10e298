-- Tables by the names that pipelines give them, in the order asked: $1 names, $2 schemas in order of search. Per name the oid,
-- schema, name and kind of the first that is called so, capitals aside; nulls where nothing is. Names as they are written in the
-- first schema are found by the index of names; only where one is not does a pass over all of pg_class compare without capitals.
with written as materialized (
    select c.oid, c.relname, c.relkind
    from pg_class as c
    where c.relname = any ($1::text[]) and c.relnamespace = to_regnamespace(quote_ident(($2::text[])[1]))
        and c.relkind in ('r', 'p', 'v', 'm', 'f')
),
called as materialized (
    select c.oid, n.nspname::text as schema, c.relname::text as relname, c.relkind::text as relkind
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = any ($2::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and lower(c.relname) in (select lower(name) from unnest($1::text[]) as asked (name))
        and exists (select from unnest($1::text[]) as asked (name) where name <> all (select relname::text from written))
    union all
    select oid, ($2::text[])[1], relname::text, relkind::text
    from written
)
select w.name, found.oid, found.schema, found.relname, found.relkind
from unnest($1::text[]) with ordinality as w (name, at)
left join lateral (
    select *
    from called as c
    where lower(c.relname) = lower(w.name)
    order by array_position($2::text[], c.schema), c.relname <> w.name, c.relname
    limit 1
) as found on true
order by w.at;
