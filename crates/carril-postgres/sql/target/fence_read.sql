-- What became of a part: $1 execution, $2 run, $3 step, $4 part.
select done_fence is not null, outcome
from carril_target.fence
where execution_id = $1 and run = $2 and step = $3 and part = $4;
