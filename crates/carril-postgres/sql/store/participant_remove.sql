-- Removes who took part in a process that goes. $1 process. By primary key, of which the process comes first.
DELETE FROM participant WHERE process_id = $1::bigint;
