-- The number of lanes that a process never goes above, if it finds it out. $1 process. By primary key.
SELECT most FROM lanes_change WHERE process_id = $1::bigint AND number = 0;
