-- The entities of a batch; every column but the key is an attribute of the lane.
select name, pair, extra <> 0 as extra, amount from entity_list where batch = :batch order by name
