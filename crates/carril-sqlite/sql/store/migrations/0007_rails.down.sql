-- Takes back what 0007_rails.up.sql made; baselines are forgotten.
DROP TABLE baseline;
DROP INDEX process_with_failures;
DROP INDEX process_of_version;
DROP INDEX process_of_pipeline;
DROP INDEX definition_of_pipeline;
ALTER TABLE definition DROP COLUMN first_launched_at;
