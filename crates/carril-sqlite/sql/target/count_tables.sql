-- How many tables the user has in the main file.
select count(*)
from main.sqlite_schema
where type = 'table' and name not like 'sqlite\_%' escape '\' and name not like 'carril\_%' escape '\';
