-- Lets go for good whoever had to wait for a process that had settled and now runs again: who has begun must not wait for it, because
-- the two could hold each other's lane keys.
-- $1 process. By primary key, then index process_unsettled: who waits has the same overlap hash.
UPDATE process SET after = NULL
WHERE overlap_hash = (SELECT p.overlap_hash FROM process p WHERE p.id = $1::bigint) AND state < 3 AND after = $1::bigint;
