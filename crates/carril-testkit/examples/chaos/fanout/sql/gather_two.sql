-- Several rows in one statement, then a failure by chance.
insert into lane_effect (entity, writer, run, step, note)
with recursive n (i) as (select 1 union all select i + 1 from n where i < 20)
select :entity_key, :execution_id, :run, 'gather/two', i from n;
insert into lane_trial (held) select case when abs(random()) % 6 > 0 then 1 end;
