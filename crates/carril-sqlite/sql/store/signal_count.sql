-- One signal more, or less, that no step of an execution has taken.
-- ?1 execution, ?2 by how many. By primary key.
UPDATE execution SET unread = unread + ?2 WHERE id = ?1;
