-- What time it is on the server (microseconds), at this very moment and not when a transaction began. Engines set their clocks by it.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
