-- Targets may know later claims than a restored store does: its next ones must be later still. ?1 by how much. Every execution once,
-- in order of the primary key.
UPDATE execution SET token = token + ?1 WHERE id > 0;
