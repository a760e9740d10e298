-- What is known of a table that executions share: $1 its oid, $2 the column, capitals aside. The column as the table has it, with its
-- type; whether an index or key begins with it; the unique keys without it, each as its columns; the indexes that have it and that
-- no constraint made; and whether a key has it.
select
    a.attname::text,
    format_type(a.atttypid, a.atttypmod),
    exists (
        select from pg_index as i
        where i.indrelid = $1 and i.indkey[0] = a.attnum and i.indpred is null and i.indisvalid
    ),
    (
        select coalesce(array_agg(k.columns order by k.columns), '{}')
        from (
            select (
                select string_agg(c.attname, ', ' order by n.at)
                from unnest(i.indkey) with ordinality as n (number, at)
                left join pg_attribute as c on c.attrelid = i.indrelid and c.attnum = n.number and n.number > 0
            ) as columns
            from pg_index as i
            where i.indrelid = $1 and i.indisunique and (a.attnum is null or not a.attnum = any (i.indkey::int2[]))
        ) as k
    )::text[],
    (
        select coalesce(array_agg(x.relname order by x.relname), '{}')
        from pg_index as i
        join pg_class as x on x.oid = i.indexrelid
        where i.indrelid = $1 and a.attnum = any (i.indkey::int2[])
            and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
    )::text[],
    exists (
        select from pg_constraint as k where k.conrelid = $1 and k.contype in ('p', 'u', 'x') and a.attnum = any (k.conkey)
    )
from (select 1) as always
left join pg_attribute as a on a.attrelid = $1 and lower(a.attname) = lower($2) and a.attnum > 0 and not a.attisdropped;
