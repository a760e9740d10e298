-- Forgets where a process came from that is about to be forgotten, so that it can be imported again.
-- ?1 process. By primary key.
DELETE FROM imported WHERE process_id = ?1;
