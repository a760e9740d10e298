-- A later attempt's last statement; it must change exactly one row, else the attempt is fenced.
-- ?1 execution, ?2 run, ?3 step, ?4 part, ?5 fence, ?6 outcome (JSON), ?7 now (microseconds since 1970, UTC).
update main.carril_fence
set done_fence = ?5, outcome = ?6, done_at = ?7
where execution_id = ?1 and run = ?2 and step = ?3 and part = ?4 and fence = ?5 and done_fence is null;
