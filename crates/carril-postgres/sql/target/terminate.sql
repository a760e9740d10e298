-- Ends the sessions that still work for an execution, or for a step of it, and waits for their end: $1 pattern of their
-- application names, $2 the one that is spared, $3 how long to wait for each (milliseconds). Gives how many there were.
select count(pg_terminate_backend(pid, $3))
from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
    and application_name like $1 and application_name <> $2;
