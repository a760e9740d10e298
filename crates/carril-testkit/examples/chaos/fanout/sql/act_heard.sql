-- The command's output reaches a later step.
insert into lane_effect (entity, writer, run, step, note)
values (:entity_key, :execution_id, :run, 'act/heard', :steps.told.key);
