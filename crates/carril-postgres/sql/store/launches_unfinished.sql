-- Launches that never finished and whose engine is over. A process that is being forgotten looks like one, but has an end.
-- No parameters. Index: process_unsettled, read whole; it holds little more than unsettled processes.
SELECT p.id FROM process p
WHERE p.state < 3 AND p.state = 0 AND p.ended_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM node n WHERE n.id = p.node AND n.left_at IS NULL)
ORDER BY p.id;
