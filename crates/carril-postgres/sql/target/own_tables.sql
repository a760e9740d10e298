-- Whether Carril's own schema is there, whether all its tables are, and whether they have the column that came last. Reads the catalog itself: what the
-- session remembers of it may be older than the lock under which this is asked.
select
    exists (select from pg_namespace where nspname = 'carril_target'),
    (
        select count(*)
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'carril_target' and c.relname in ('fence', 'publication', 'workspace')
    ) = 3,
    exists (
        select
        from pg_attribute as a
        join pg_class as c on c.oid = a.attrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'carril_target' and c.relname = 'workspace' and a.attname = 'rows_left'
    );
