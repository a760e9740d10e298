-- Takes back what 0012_old_names.up.sql made. Nothing is lost: they are views.
DROP VIEW logs_Trace_Records;
DROP VIEW logs_Ejecucion_Fondos;
DROP VIEW logs_etapas;
DROP VIEW logs_Ejecuciones_v2;
DROP VIEW logs_Ejecuciones;
DROP VIEW logs_Procesos;
DROP VIEW process_stage;
DROP VIEW stage_row;
