-- The names behind the step numbers of a definition.
-- $1 definition, then of each: $2 step, $3 stage, $4 name, $5 resources (JSON list), $6 target.
INSERT INTO definition_step (definition_id, step, stage, name, resources, target)
SELECT $1::bigint, w.step, w.stage, w.name, w.resources, w.target
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS w (step, stage, name, resources, target);
