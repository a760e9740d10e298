-- What a name stands for: its kind (pg_class.relkind) and its comment. $1 the name, quoted, with its schema.
select c.relkind::text, obj_description(c.oid, 'pg_class') from pg_class as c where c.oid = to_regclass($1);
