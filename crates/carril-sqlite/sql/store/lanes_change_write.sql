-- Keeps that the number of a process's lanes was changed.
-- ?1 process, ?2 when (microseconds), ?3 the engine, ?4 the number before and ?5 after, ?6 why, ?7 the same for people. By primary key.
INSERT INTO lanes_change (process_id, number, changed_at, node, before, after, most, reason, detail)
SELECT ?1, max(number) + 1, ?2, ?3, ?4, ?5, max(most), ?6, ?7 FROM lanes_change WHERE process_id = ?1;
