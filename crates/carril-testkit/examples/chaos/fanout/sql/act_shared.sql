-- An effect in a shared table, then a failure by chance.
insert into effect values (:execution_id, :process_id, :run, :entity_key, 'act/shared');
insert into trial (held) select case when abs(random()) % 6 > 0 then 1 end;
