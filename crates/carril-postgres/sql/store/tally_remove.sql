-- Removes the numbers of a process that goes. $1 process. By primary key, of which the process comes first.
DELETE FROM tally WHERE process_id = $1::bigint;
