-- Sets up the connection that looks for locks: nothing that it asks may take long. Gives how long the server lets a wait last before it
-- looks for a deadlock (milliseconds).
select
    set_config('statement_timeout', '2s', false),
    set_config('idle_session_timeout', '0', false),
    (select setting::int8 from pg_settings where name = 'deadlock_timeout');
