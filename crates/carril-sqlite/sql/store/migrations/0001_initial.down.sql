-- Takes the first schema back: an empty file is left. All state is lost.
DROP VIEW execution_row;
DROP VIEW process_row;
DROP TABLE request;
DROP TABLE run_history;
DROP TABLE wait;
DROP TABLE step_log;
DROP TABLE step_detail;
DROP TABLE step;
DROP TABLE entity;
DROP TABLE execution;
DROP TABLE process;
DROP TABLE definition_step;
DROP TABLE definition;
DROP TABLE node;
DROP TABLE sequence;
