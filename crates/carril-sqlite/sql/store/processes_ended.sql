-- Processes that ended before a time, and those of which a part is forgotten already, whenever they ended, in order of id. What was
-- imported is as old as its import.
-- ?1 time, ?2 above this id, ?3 at most. By primary key, over the processes, of which there are few.
SELECT * FROM process_row
WHERE id > ?2 AND ((state > 2 AND ended_at < ?1 AND NOT EXISTS (
    SELECT 1 FROM imported i WHERE i.process_id = process_row.id AND i.imported_at >= ?1))
  OR (state = 0 AND ended_at IS NOT NULL)) ORDER BY id LIMIT ?3;
