-- Takes every settled execution off the lists of lane keys: what an engine that died had not yet swept.
-- No parameters. Reads the whole list, which holds little more than the unsettled ones.
DELETE FROM lane
WHERE NOT EXISTS (SELECT 1 FROM execution e WHERE e.id = execution_id AND e.state < 3);
