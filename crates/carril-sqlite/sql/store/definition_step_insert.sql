-- The names behind one step number of a definition.
-- ?1 definition, ?2 step, ?3 stage, ?4 name, ?5 resources (JSON list), ?6 target.
INSERT INTO definition_step (definition_id, step, stage, name, resources, target) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
