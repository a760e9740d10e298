-- The definitions of unsettled processes, newest process first; each once. $1 how many.
-- Index: process_unsettled, read whole; it holds little more than unsettled processes.
SELECT d.body FROM (
  SELECT definition_id, max(id) AS newest FROM process
  WHERE state < 3 AND state > 0 AND ended_at IS NULL GROUP BY definition_id
) p JOIN definition d ON d.id = p.definition_id
ORDER BY p.newest DESC LIMIT $1::bigint;
