-- Views and triggers of the main file, with the statements that made them.
select type, name, sql from main.sqlite_schema where type in ('view', 'trigger') and sql is not null;
