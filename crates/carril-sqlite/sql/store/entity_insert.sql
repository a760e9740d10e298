-- The entity of a new execution. Refused when its key is there already.
-- ?1 execution, ?2 process, ?3 key, ?4 attributes (JSON), ?5 when it was launched, if not with the process (microseconds).
INSERT INTO entity (execution_id, process_id, entity_key, attributes, launched_at) VALUES (?1, ?2, ?3, ?4, ?5);
