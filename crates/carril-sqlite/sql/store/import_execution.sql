-- An execution of a process that another program ran, settled in its only run. It has no lane key: nothing waits for it.
-- ?1 id, ?2 process, ?3 state, ?4 started and ?5 ended (microseconds), ?6 sums (JSON), ?7 failed step, ?8 error (JSON).
INSERT INTO execution (id, process_id, run, token, state, segment, ready, per_process, since, cause, sums, started_at, ended_at,
  failed_step, error)
VALUES (?1, ?2, 1, 1, ?3, 0, 1, 0, ?5, 'running', ?6, ?4, ?5, ?7, ?8);
