-- Tables of the main file whose rows a change of other tables may change along: those with foreign keys that have actions.
select distinct m.name
from main.sqlite_schema as m
cross join pragma_foreign_key_list(m.name, 'main') as f
where m.type = 'table' and (f.on_delete not in ('NO ACTION', 'RESTRICT') or f.on_update not in ('NO ACTION', 'RESTRICT'));
