-- The columns of a table: name, type as it is declared, whether null is refused. $1 the table, quoted, with its schema.
select a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull
from pg_attribute as a
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum;
