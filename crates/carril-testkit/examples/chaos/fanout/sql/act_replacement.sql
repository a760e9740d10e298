-- Runs instead of `replaced`.
insert into effect values (:execution_id, :process_id, :run, :entity_key, 'act/replacement');
