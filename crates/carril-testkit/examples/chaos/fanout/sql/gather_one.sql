-- An effect in the lane's own table, then a failure by chance: nothing of it may stay.
insert into lane_effect (entity, writer, run, step) values (:entity_key, :execution_id, :run, 'gather/one');
insert into lane_trial (held) select case when abs(random()) % 6 > 0 then 1 end;
