-- Never succeeds for whom `broken` lists it: then it is a warning.
insert into effect values (:execution_id, :process_id, :run, :entity_key, 'act/soft');
insert into trial (held) select null from broken where name = :entity_key and step = 'act/soft';
