-- Keeps when a version was launched first, with its first launch; later ones change nothing.
-- $1 process that is being opened. By primary keys. Index: process_of_version.
UPDATE definition d
SET first_launched_at = (SELECT min(p.launched_at) FROM process p WHERE p.definition_id = d.id AND (p.state > 0 OR p.id = $1::bigint))
WHERE d.id = (SELECT q.definition_id FROM process q WHERE q.id = $1::bigint) AND d.first_launched_at IS NULL;
