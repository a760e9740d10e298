-- What can be told of a database by looking: the version in words, the name of the database, how many tables its first schema has,
-- and whether it can be written.
select
    current_setting('server_version'),
    current_database()::text,
    (
        select count(*)
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = current_schema() and c.relkind in ('r', 'p', 'f')
    ),
    pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on';
