-- Forgets how the number of a process's lanes changed, with the process.
-- ?1 process. By primary key.
DELETE FROM lanes_change WHERE process_id = ?1;
