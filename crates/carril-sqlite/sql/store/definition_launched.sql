-- Keeps when a version was launched first, with its first launch; later ones change nothing. Where the column came later than the
-- version, its oldest process tells.
-- ?1 process that is being opened. By primary keys. Index: process_of_version.
UPDATE definition
SET first_launched_at = (SELECT min(p.launched_at) FROM process p WHERE p.definition_id = definition.id AND (p.state > 0 OR p.id = ?1))
WHERE id = (SELECT definition_id FROM process WHERE id = ?1) AND first_launched_at IS NULL;
