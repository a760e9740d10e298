-- Executions of a process in order of id. ?1 process, ?2 JSON list of states or null, ?3 entity or null, ?4 above this id, ?5 how many.
-- By primary key, within the process's own range.
SELECT x.* FROM process p JOIN execution_row x ON x.id BETWEEN p.first_execution AND p.last_execution AND x.process_id = p.id
WHERE p.id = ?1 AND x.id > ?4 AND (?2 IS NULL OR x.state IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR x.entity_key = ?3)
ORDER BY x.id LIMIT ?5;
