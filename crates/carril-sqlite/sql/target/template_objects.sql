-- The statements that made one workspace table and its indexes, the table first. ?1 table, in any case of letters.
-- Triggers stay behind: they belong to the shared tables. Indexes that a constraint makes by itself have no statement.
select type, name, sql
from sqlite_schema
where tbl_name = ?1 collate nocase and type in ('table', 'view', 'index') and sql is not null
order by type = 'index', rowid;
