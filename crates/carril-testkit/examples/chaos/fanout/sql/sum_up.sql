-- Once for the process: what its lanes have published.
insert into process_effect
select :execution_id, :process_id, :run, count(*), coalesce(sum(t.rows), 0), coalesce(sum(t.execution_id), 0)
from lane_total_current t
join entity_list e on e.name = t.entity
where e.batch = :batch;
