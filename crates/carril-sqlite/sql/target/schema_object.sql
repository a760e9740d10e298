-- What a name stands for in the main file: ?1 name, in any case of letters.
select type, sql from main.sqlite_schema where name = ?1 collate nocase and type in ('table', 'view');
