-- Takes back what 0002_views.up.sql made.
DROP VIEW trace;
DROP VIEW waits;
DROP VIEW steps;
DROP VIEW executions;
DROP VIEW processes;
DROP VIEW attempt_row;
