-- Waits until no other engine is about to fill more lanes of a process, and keeps others from it until the transaction's end.
-- $1 process. By primary key.
SELECT id FROM process WHERE id = $1::bigint FOR NO KEY UPDATE;
