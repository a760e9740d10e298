-- Sets a transaction of Carril's up, or a session that has none, and says which transaction it is, whether the workspace's
-- schema is there, and the number of the server's process.
-- $1 search path, $2 application name, $3 statement time-out, $4 lock time-out, $5 time-out while nothing is asked (texts with
-- units), $6 the workspace's schema or null, $7 whether for the transaction alone. A worker that is gone is noticed within a second, and a commit is always on disk.
select
    set_config('search_path', $1, $7),
    set_config('application_name', $2, $7),
    set_config('statement_timeout', $3, $7),
    set_config('lock_timeout', $4, $7),
    set_config('idle_in_transaction_session_timeout', $5, $7),
    case when version() ~* 'linux|darwin|apple|freebsd' then set_config('client_connection_check_interval', '1s', $7) end,
    case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', $7) end,
    case when pg_is_in_recovery() then '' else pg_current_xact_id()::text end,
    $6::text is null or to_regnamespace($6) is not null,
    pg_backend_pid();
