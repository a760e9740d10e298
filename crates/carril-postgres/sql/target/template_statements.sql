-- The statements that make tables like others, in order: $1 the tables' oids, $2 the schema to make them in, $3 whether their rows
-- come along, $4 oids of those whose rows do not. Sequences that a column owns are made anew, since a lane numbers its own
-- rows; foreign keys come along where both ends do. The schema of the tables must be first in the search path, where a
-- constraint's own text then names tables without a schema.
with own as (
    select c.oid, n.nspname, c.relname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any ($1::oid[])
),
sequences as (
    select o.nspname, o.relname, a.attname, s.relname as name, d.deptype, sn.nspname as schema, q.*
    from pg_depend as d
    join own as o on o.oid = d.refobjid
    join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    join pg_class as s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace as sn on sn.oid = s.relnamespace
    join pg_sequence as q on q.seqrelid = s.oid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
)
select statement
from (
    select 1 as phase, relname as sorted, format('create table %I.%I (like %I.%I including all)', $2::text, relname, nspname, relname) as statement
    from own
    union all
    select 2, relname, format(
        'create sequence %1$I.%2$I as %3$s increment by %4$s minvalue %5$s maxvalue %6$s start with %7$s cache %8$s %9$s owned by %1$I.%10$I.%11$I; alter table %1$I.%10$I alter column %11$I set default nextval(%12$L::regclass)',
        $2::text, name, format_type(seqtypid, null), seqincrement, seqmin, seqmax, seqstart, seqcache,
        case when seqcycle then 'cycle' else 'no cycle' end, relname, attname, format('%I.%I', $2::text, name)
    )
    from sequences
    where deptype = 'a'
    union all
    select 3, o.relname, format(
        'insert into %1$I.%2$I (%3$s) overriding system value select %3$s from %4$I.%2$I',
        $2::text, o.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum), o.nspname
    )
    from own as o
    join pg_attribute as a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where $3 and not o.oid = any ($4::oid[])
    group by o.nspname, o.relname
    union all
    select 4, relname, format(
        'select setval(pg_get_serial_sequence(%L, %L), last_value, is_called) from %I.%I',
        format('%I.%I', $2::text, relname), attname, schema, name
    )
    from sequences
    where $3
    union all
    select 5, o.relname, format('alter table %I.%I add constraint %I %s', $2::text, o.relname, k.conname, pg_get_constraintdef(k.oid))
    from pg_constraint as k
    join own as o on o.oid = k.conrelid
    where k.contype = 'f' and k.confrelid = any ($1::oid[])
) as made
order by phase, sorted, statement;
