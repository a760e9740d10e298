-- The stage that a process is at: the earliest with an unfinished lane. $1 process. By primary keys, within the process's own range.
SELECT stage FROM process_stage WHERE process_id = $1;
