-- Which processes of a source were imported before.
-- $1 source, $2 their keys there. Index: imported_key.
SELECT source_key FROM imported WHERE source = $1::text AND source_key = ANY ($2::text[]);
