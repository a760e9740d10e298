-- Never succeeds for whom `broken` lists it: then it is a value instead.
insert into effect values (:execution_id, :process_id, :run, :entity_key, 'act/valued');
insert into trial (held) select null from broken where name = :entity_key and step = 'act/valued';
