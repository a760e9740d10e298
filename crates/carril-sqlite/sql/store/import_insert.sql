-- Where a process came from. Refused when the source's name for it is there already.
-- ?1 process, ?2 source, ?3 its key there, ?4 when it was imported (microseconds).
INSERT INTO imported (process_id, source, source_key, imported_at) VALUES (?1, ?2, ?3, ?4);
