-- The database's time, in microseconds. No parameters.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
