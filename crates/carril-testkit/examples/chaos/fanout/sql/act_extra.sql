-- Only for entities that want it.
insert into effect values (:execution_id, :process_id, :run, :entity_key, 'act/extra');
