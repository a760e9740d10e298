-- A first attempt's only fence write, the last statement of its transaction; no row changed means fenced.
-- ?1 execution, ?2 run, ?3 step, ?4 part, ?5 fence, ?6 outcome (JSON), ?7 now (microseconds since 1970, UTC).
insert into main.carril_fence (execution_id, run, step, part, fence, done_fence, outcome, done_at)
values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7)
on conflict (execution_id, run, step, part) do nothing;
