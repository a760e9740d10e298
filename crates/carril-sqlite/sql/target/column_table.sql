-- What a name stands for in the main file, as it is written there. ?1 name, in any case of letters.
select name, type from main.sqlite_schema where name = ?1 collate nocase and type in ('table', 'view');
