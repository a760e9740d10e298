-- Removes the entities of a launch that is not to be finished.
-- $1 process. Index: entity_by_key.
DELETE FROM entity WHERE process_id = $1::bigint;
