-- What is known of a pipeline's versions: one by its version, others by when they were launched first, the latest of them first.
-- Executions are counted over the processes of their first hours, as they are now; processes that are launching or being forgotten
-- are not there; one whose launch began before the first that was whole is in the first hours, too. Lanes that have come to a
-- barrier are counted as through, as carril_model::process::lanes_done has it.
-- $1 pipeline, $2 version, $3 how many others, $4 length of the first hours (microseconds).
-- Indexes: definition_of_pipeline, process_of_version.
WITH known AS (
  SELECT d.id, d.version, coalesce(d.first_launched_at, (SELECT min(f.launched_at) FROM process f WHERE f.definition_id = d.id AND f.state > 0)) AS first
  FROM definition d
  WHERE d.name = $1::text
), wanted AS (
  SELECT * FROM known WHERE version = $2::text AND first IS NOT NULL
  UNION ALL
  (SELECT * FROM known WHERE version <> $2::text AND first IS NOT NULL ORDER BY first DESC, version COLLATE "C" DESC LIMIT $3::bigint)
)
SELECT v.version, v.first,
  coalesce(sum(p.succeeded + p.failed + p.skipped + CASE
    WHEN p.state > 2 OR (p.segment = 0 AND coalesce(p.own_segment % 2 = 0, false)) THEN 0
    ELSE p.total - p.succeeded - p.failed - p.skipped - p.cancelled - p.rolled_back
      - CASE WHEN p.segment < 2 THEN p.open - coalesce(p.own_segment = p.segment AND p.own_state < 3, false)::integer ELSE 0 END
  END), 0)::bigint, coalesce(sum(p.failed), 0)::bigint, coalesce(sum(p.succeeded), 0)::bigint,
  EXISTS (SELECT 1 FROM process g JOIN tally t ON t.process_id = g.id WHERE g.definition_id = v.id AND g.state > 0
    GROUP BY g.id HAVING sum(t.succeeded) > 0)
FROM wanted v
LEFT JOIN LATERAL (
  SELECT r.* FROM process q JOIN process_row r ON r.id = q.id
  WHERE q.definition_id = v.id AND q.launched_at <= v.first + $4::bigint AND q.state > 0
) p ON true
GROUP BY v.id, v.version, v.first
ORDER BY v.version <> $2::text, v.first DESC, v.version COLLATE "C" DESC;
