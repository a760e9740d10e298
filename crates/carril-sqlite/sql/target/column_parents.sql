-- The tables that a table of the main file refers to by foreign keys. ?1 table.
select distinct "table" from pragma_foreign_key_list(?1, 'main');
