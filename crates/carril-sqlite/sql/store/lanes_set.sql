-- Gives a process another number of lanes. Refused (no row) unless it runs, has the number that it was seen with, and finds it out; and where
-- the new number is none that it may have.
-- ?1 process, ?2 the number that it was seen with, ?3 the new one. By primary keys.
UPDATE process SET lanes = ?3
WHERE id = ?1 AND state = 1 AND lanes = ?2 AND ?3 > 0
  AND ?3 <= (SELECT c.most FROM lanes_change c WHERE c.process_id = ?1 AND c.number = 0);
