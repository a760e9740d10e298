-- Takes back what 0008_old_names.up.sql made. Nothing is lost: they are views.
DROP VIEW logs_trace_records;
DROP VIEW logs_ejecucion_fondos;
DROP VIEW logs_etapas;
DROP VIEW logs_ejecuciones_v2;
DROP VIEW logs_ejecuciones;
DROP VIEW logs_procesos;
DROP VIEW process_stage;
DROP VIEW stage_row;
