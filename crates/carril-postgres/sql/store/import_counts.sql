-- What an import wrote, before it is committed: processes, executions, entities, attempts, and processes whose numbers are not those of
-- their executions. All ids in the range were given out to it.
-- $1 first and $2 last id. By primary keys.
SELECT (SELECT count(*) FROM process WHERE id BETWEEN $1::bigint AND $2::bigint),
  (SELECT count(*) FROM execution WHERE id BETWEEN $1::bigint AND $2::bigint),
  (SELECT count(*) FROM entity WHERE execution_id BETWEEN $1::bigint AND $2::bigint),
  (SELECT count(*) FROM step WHERE execution_id BETWEEN $1::bigint AND $2::bigint),
  (SELECT count(*) FROM process p
    JOIN tally y ON y.process_id = p.id
    CROSS JOIN LATERAL (
      SELECT count(*) AS total, count(*) FILTER (WHERE c.state = 3) AS succeeded, count(*) FILTER (WHERE c.state = 4) AS failed,
        count(*) FILTER (WHERE c.state = 5) AS skipped, count(*) FILTER (WHERE c.state = 6) AS cancelled
      FROM execution c WHERE c.id BETWEEN p.first_execution AND p.last_execution AND c.process_id = p.id
    ) c
    WHERE p.id BETWEEN $1::bigint AND $2::bigint
      AND (p.total, y.succeeded, y.failed, y.skipped, y.cancelled)
        IS DISTINCT FROM (c.total, c.succeeded, c.failed, c.skipped, c.cancelled));
