-- Which of some sessions wait for a lock just now: $1 their process ids.
select pid
from pg_stat_activity
where pid = any ($1::int4[]) and wait_event_type = 'Lock';
