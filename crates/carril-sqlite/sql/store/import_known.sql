-- Whether a process of a source was imported before.
-- ?1 source, ?2 its key there. Index: imported_key.
SELECT source_key FROM imported WHERE source = ?1 AND source_key = ?2;
