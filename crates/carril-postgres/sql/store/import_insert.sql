-- Where processes came from. Refused when the source's name for one is there already.
-- $1 source, $2 when they were imported (microseconds); of each: $3 process, $4 its key there.
INSERT INTO imported (process_id, source, source_key, imported_at)
SELECT w.process_id, $1::text, w.source_key, $2::bigint
FROM unnest($3::bigint[], $4::text[]) AS w (process_id, source_key);
