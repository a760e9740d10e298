-- An execution's entity; no row for a process's own execution.
-- ?1 execution. By primary key.
SELECT entity_key, attributes FROM entity WHERE execution_id = ?1;
