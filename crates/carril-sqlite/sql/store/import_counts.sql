-- What an import wrote, before it is committed: processes, executions, entities, attempts, and processes whose numbers are not those of
-- their executions. All ids in the range were given out to it.
-- ?1 first and ?2 last id. By primary keys.
SELECT (SELECT count(*) FROM process WHERE id BETWEEN ?1 AND ?2),
  (SELECT count(*) FROM execution WHERE id BETWEEN ?1 AND ?2),
  (SELECT count(*) FROM entity WHERE execution_id BETWEEN ?1 AND ?2),
  (SELECT count(*) FROM step WHERE execution_id BETWEEN ?1 AND ?2),
  (SELECT count(*) FROM process p WHERE p.id BETWEEN ?1 AND ?2 AND (p.total, p.succeeded, p.failed, p.skipped, p.cancelled) IS NOT (
    SELECT count(*), coalesce(sum(c.state = 3), 0), coalesce(sum(c.state = 4), 0), coalesce(sum(c.state = 5), 0), coalesce(sum(c.state = 6), 0)
    FROM execution c WHERE c.id BETWEEN p.first_execution AND p.last_execution AND c.process_id = p.id));
