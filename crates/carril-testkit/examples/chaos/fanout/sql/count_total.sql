-- What the lane has in its own table: rows, and the steps that they come from.
insert into lane_total (entity, writer, run, rows, steps)
select :entity_key, :execution_id, :run, count(*), count(distinct step) from lane_effect;
