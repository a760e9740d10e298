-- Opens the next segment when nobody is left in the present one. Refused (no row) when the process has moved on.
-- ?1 process, ?2 segment it must be in, ?3 next segment. By primary key.
UPDATE process SET segment = ?3
WHERE id = ?1 AND segment = ?2 AND ?3 > ?2 AND open = 0 AND state = 1 AND cancelling IS NULL;
