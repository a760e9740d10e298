-- How many executions of a version have failed, over the processes of its first hours: what `failed` of rails_versions says, at the
-- cost of the processes in which something failed.
-- $1 pipeline, $2 version, $3 length of the first hours (microseconds). Indexes: definition_of_pipeline, tally_with_failures.
SELECT coalesce(sum(t.failed), 0)::bigint
FROM definition d
JOIN process p ON p.definition_id = d.id AND p.state > 0
JOIN tally t ON t.process_id = p.id AND t.failed <> 0
WHERE d.name = $1::text AND d.version = $2::text
  AND p.launched_at <= $3::bigint + coalesce(d.first_launched_at, (SELECT min(f.launched_at) FROM process f WHERE f.definition_id = d.id AND f.state > 0));
