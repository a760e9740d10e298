-- Every statement that made the main file, in an order in which they can be run again.
select type, name, tbl_name, sql
from main.sqlite_schema
where sql is not null and name not like 'sqlite\_%' escape '\'
order by case type when 'table' then 0 when 'index' then 1 when 'view' then 2 else 3 end, rowid;
