-- Processes, newest first. ?1 pipeline or null, ?2 JSON list of states or null, ?3 below this id or null, ?4 how many. By primary key.
SELECT * FROM process_row
WHERE state > 0 AND (?1 IS NULL OR pipeline = ?1) AND (?2 IS NULL OR state IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR id < ?3)
ORDER BY id DESC LIMIT ?4;
