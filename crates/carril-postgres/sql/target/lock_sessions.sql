-- Who sessions are: $1 their process ids. Process, role, what it calls itself (what the server calls it where it is no client), address,
-- state, how long it is in that and how long its transaction is open (microseconds), its statement, whether it waits for a lock, and
-- whether the server hides these from the role that asks.
select
    pid,
    usename::text,
    coalesce(nullif(application_name, ''), nullif(backend_type, 'client backend')),
    host(client_addr),
    state,
    (extract(epoch from clock_timestamp() - state_change) * 1000000)::int8,
    (extract(epoch from clock_timestamp() - xact_start) * 1000000)::int8,
    left(query, 1000),
    coalesce(wait_event_type = 'Lock', false),
    state is null and backend_type is null
from pg_stat_activity
where pid = any ($1::int4[]);
