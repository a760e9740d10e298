-- What is known of a pipeline's versions: one by its version, others by when they were launched first, the latest of them first.
-- Executions are counted over the processes of their first hours, as they are now; processes that are launching or being forgotten
-- are not there; one whose launch began before the first that was whole is in the first hours, too. Lanes that have come to a
-- barrier are counted as through, as carril_model::process::lanes_done has it.
-- ?1 pipeline, ?2 version, ?3 how many others, ?4 length of the first hours (microseconds).
-- Indexes: definition_of_pipeline, process_of_version.
WITH known AS (
  SELECT d.id, d.version, coalesce(d.first_launched_at, (SELECT min(f.launched_at) FROM process f WHERE f.definition_id = d.id AND f.state > 0)) AS first
  FROM definition d
  WHERE d.name = ?1
), wanted AS (
  SELECT * FROM known WHERE version = ?2 AND first IS NOT NULL
  UNION ALL
  SELECT * FROM (SELECT * FROM known WHERE version <> ?2 AND first IS NOT NULL ORDER BY first DESC, version DESC LIMIT ?3)
)
SELECT v.version, v.first,
  coalesce(sum(p.succeeded + p.failed + p.skipped + CASE
    WHEN p.state > 2 OR (p.segment = 0 AND coalesce(o.segment % 2 = 0, 0)) THEN 0
    ELSE p.total - p.succeeded - p.failed - p.skipped - p.cancelled - p.rolled_back
      - CASE WHEN p.segment < 2 THEN p.open - coalesce(o.state < 3 AND o.segment = p.segment, 0) ELSE 0 END
  END), 0), coalesce(sum(p.failed), 0), coalesce(sum(p.succeeded), 0),
  EXISTS (SELECT 1 FROM process g WHERE g.definition_id = v.id AND g.state > 0 AND g.succeeded > 0)
FROM wanted v
LEFT JOIN process p ON p.definition_id = v.id AND p.launched_at <= v.first + ?4 AND p.state > 0
LEFT JOIN execution o ON o.id = p.own_execution
GROUP BY v.id
ORDER BY v.version <> ?2, v.first DESC, v.version DESC;
