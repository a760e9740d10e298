-- Where a process came from.
-- $1 process. By primary key.
SELECT process_id, source, source_key, imported_at FROM imported WHERE process_id = $1::bigint;
