-- The names that people of the old fund system know, as views over this store; and where stages stand, which they and the server's old API tell.
-- docs/reference/old-names.md documents them. `carril store legacy-views` shows them in a schema `logs`, under their names of old.

-- How the stages of an execution stand in its present run, by the last attempts of their steps: null where it has not come to, else
-- 0 pending, 1 running, 2 succeeded, 3 failed, 4 skipped, 5 cancelled. A step whose next attempt is due runs.
CREATE VIEW stage_row AS
SELECT e.process_id, e.id AS execution_id, f.stage, f.step AS first_step, (
    SELECT CASE WHEN count(*) = 0 THEN NULL WHEN max(m.mark) = 6 THEN 3 WHEN max(m.mark) = 5 THEN 1 WHEN max(m.mark) = 4 THEN 5
      WHEN max(m.mark) = 3 THEN CASE WHEN count(*) FILTER (WHERE m.state = 2) = 0 THEN 0 ELSE 5 END
      WHEN e.state < 3 AND count(*) < (
        SELECT count(*) FROM definition_step c WHERE c.definition_id = f.definition_id AND c.stage = f.stage) THEN 1
      WHEN max(m.mark) = 2 THEN 2 ELSE 4 END
    FROM (
      SELECT s.state, CASE s.state WHEN 2 THEN 2 WHEN 4 THEN 1
        WHEN 3 THEN CASE WHEN d.retry_at IS NOT NULL AND e.state < 3 THEN 5 ELSE 6 END
        WHEN 5 THEN CASE s.attempt WHEN 0 THEN 3 ELSE 4 END
        ELSE CASE WHEN e.state < 3 THEN 5 ELSE 4 END END AS mark
      FROM definition_step c
      JOIN step s ON s.execution_id = e.id AND s.run = e.run AND s.step = c.step AND s.attempt = (
        SELECT max(l.attempt) FROM step l WHERE l.execution_id = e.id AND l.run = e.run AND l.step = c.step)
      LEFT JOIN step_detail d ON d.execution_id = s.execution_id AND d.run = s.run AND d.step = s.step AND d.attempt = s.attempt
      WHERE c.definition_id = f.definition_id AND c.stage = f.stage
    ) m
  )::bigint AS state
FROM execution e
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution AND p.state > 0
JOIN definition_step f ON f.definition_id = p.definition_id AND NOT EXISTS (
  SELECT 1 FROM definition_step x WHERE x.definition_id = f.definition_id AND x.stage = f.stage AND x.step < f.step);

-- The earliest stage with an unfinished lane, of processes that have not ended: nobody is before the first stage of the present segment.
CREATE VIEW process_stage AS
SELECT p.id AS process_id, (
    SELECT n.stage FROM definition_step n WHERE n.definition_id = p.definition_id AND n.step = greatest(coalesce((
      SELECT min(f.step) FROM definition_step f WHERE f.definition_id = p.definition_id AND f.stage = (
        SELECT g.name FROM (
          SELECT r.name, r.at, count(*) FILTER (WHERE r.per <> r.former) OVER (ORDER BY r.at) AS segment
          FROM (
            SELECT v.value ->> 'name' AS name, v.at, v.value ->> 'per' AS per, lag(v.value ->> 'per') OVER (ORDER BY v.at) AS former
            FROM definition b, json_array_elements(b.body::json -> 'stages') WITH ORDINALITY v (value, at)
            WHERE b.id = p.definition_id
          ) r
        ) g
        WHERE g.segment = p.segment ORDER BY g.at LIMIT 1)), 0), coalesce((
      SELECT min(coalesce((SELECT max(s.step) FROM step s WHERE s.execution_id = e.id AND s.run = e.run), 0))
      FROM execution e
      WHERE e.process_id = p.id AND e.id BETWEEN p.first_execution AND p.last_execution AND e.state < 3 AND e.segment = p.segment), 0))
  ) AS stage
FROM process p
WHERE p.state IN (1, 2);

CREATE VIEW logs_procesos AS
SELECT p.id AS "ID_Proceso",
  coalesce(p.params::json ->> 'report_date', p.params::json ->> 'fecha_reporte', p.params::json ->> 'fechaReporte', p.params::json ->> 'FechaReporte') AS "FechaReporte",
  CASE WHEN p.state < 3 THEN 'EN_PROGRESO' WHEN p.state = 3 THEN 'COMPLETADO' WHEN p.state = 4 THEN 'COMPLETADO_CON_ERRORES'
    WHEN p.state = 5 THEN 'ERROR' WHEN p.state = 6 THEN 'CANCELADO' ELSE 'REVERTIDO' END AS "Estado",
  (SELECT t.stage FROM process_stage t WHERE t.process_id = p.id) AS "Etapa_Actual",
  p.launched_by AS "Usuario",
  timestamptz 'epoch' + p.launched_at * interval '1 microsecond' AS "FechaInicio", timestamptz 'epoch' + p.ended_at * interval '1 microsecond' AS "FechaFin",
  p.total AS "TotalFondos", p.succeeded AS "FondosExitosos", p.failed AS "FondosFallidos", p.skipped AS "FondosOmitidos",
  (SELECT i.source_key FROM imported i WHERE i.process_id = p.id) AS "ID_Anterior"
FROM process_row p
WHERE p.state > 0;

CREATE VIEW logs_ejecuciones AS
SELECT e.id AS "ID_Ejecucion", p.id AS "ID_Proceso",
  CASE WHEN n.entity_key ~ '^[0-9]{1,18}$' THEN n.entity_key::bigint END AS "ID_Fund",
  coalesce(p.params::json ->> 'report_date', p.params::json ->> 'fecha_reporte', p.params::json ->> 'fechaReporte', p.params::json ->> 'FechaReporte') AS "FechaReporte",
  CASE e.state WHEN 0 THEN CASE WHEN e.started_at IS NULL THEN 'PENDIENTE' ELSE 'EN_PROGRESO' END WHEN 1 THEN 'EN_PROGRESO' WHEN 2 THEN 'EN_PROGRESO'
    WHEN 3 THEN 'COMPLETADO' WHEN 4 THEN 'ERROR' WHEN 5 THEN 'OMITIDO' WHEN 6 THEN 'CANCELADO' ELSE 'REVERTIDO' END AS "Estado",
  timestamptz 'epoch' + e.started_at * interval '1 microsecond' AS "FechaInicio", timestamptz 'epoch' + e.ended_at * interval '1 microsecond' AS "FechaFin"
FROM execution e
JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution AND p.state > 0
JOIN entity n ON n.execution_id = e.id;

-- One row per process, as the old flat table had one per run.
CREATE VIEW logs_ejecuciones_v2 AS
SELECT "ID_Proceso" AS "ID_Ejecucion", "FechaReporte", "Estado", "FechaInicio", "FechaFin", "TotalFondos", "FondosExitosos", "FondosFallidos", "ID_Anterior"
FROM logs_procesos;

CREATE VIEW logs_etapas AS
SELECT execution_id, stage, first_step,
  CASE state WHEN 0 THEN 'PENDIENTE' WHEN 1 THEN 'EN_PROGRESO' WHEN 2 THEN 'COMPLETADO' WHEN 3 THEN 'ERROR' WHEN 4 THEN 'OMITIDO'
    ELSE 'CANCELADO' END AS "Estado"
FROM stage_row
WHERE state IS NOT NULL;

-- Services are stages, which the old names call by `process_` and the service.
CREATE VIEW logs_ejecucion_fondos AS
SELECT f."ID_Ejecucion", f."ID_Proceso", f."ID_Fund", f."FundShortName", f."Portfolio_Geneva", f."Portfolio_CAPM", f."Portfolio_Derivados", f."Portfolio_UBS",
  CASE WHEN EXISTS (SELECT 1 FROM definition_step ds WHERE ds.definition_id = f.definition_id AND lower(ds.stage) IN ('ipa', 'process_ipa')) THEN coalesce((
    SELECT t."Estado" FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion" AND lower(t.stage) IN ('ipa', 'process_ipa') LIMIT 1), f.untouched) END AS "Estado_Process_IPA",
  CASE WHEN EXISTS (SELECT 1 FROM definition_step ds WHERE ds.definition_id = f.definition_id AND lower(ds.stage) IN ('capm', 'process_capm')) THEN coalesce((
    SELECT t."Estado" FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion" AND lower(t.stage) IN ('capm', 'process_capm') LIMIT 1), f.untouched) END AS "Estado_Process_CAPM",
  CASE WHEN EXISTS (SELECT 1 FROM definition_step ds WHERE ds.definition_id = f.definition_id AND lower(ds.stage) IN ('derivados', 'process_derivados')) THEN coalesce((
    SELECT t."Estado" FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion" AND lower(t.stage) IN ('derivados', 'process_derivados') LIMIT 1), f.untouched) END AS "Estado_Process_Derivados",
  CASE WHEN EXISTS (SELECT 1 FROM definition_step ds WHERE ds.definition_id = f.definition_id AND lower(ds.stage) IN ('ubs', 'process_ubs')) THEN coalesce((
    SELECT t."Estado" FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion" AND lower(t.stage) IN ('ubs', 'process_ubs') LIMIT 1), f.untouched) END AS "Estado_Process_UBS",
  CASE WHEN EXISTS (SELECT 1 FROM definition_step ds WHERE ds.definition_id = f.definition_id AND lower(ds.stage) IN ('pnl', 'process_pnl')) THEN coalesce((
    SELECT t."Estado" FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion" AND lower(t.stage) IN ('pnl', 'process_pnl') LIMIT 1), f.untouched) END AS "Estado_Process_PNL",
  coalesce((SELECT json_object_agg(t.stage, t."Estado" ORDER BY t.first_step) FROM logs_etapas t WHERE t.execution_id = f."ID_Ejecucion")::text, '{}') AS "Estados"
FROM (
  SELECT e.id AS "ID_Ejecucion", p.id AS "ID_Proceso", p.definition_id,
    CASE WHEN n.entity_key ~ '^[0-9]{1,18}$' THEN n.entity_key::bigint END AS "ID_Fund",
    coalesce(n.attributes::json ->> 'FundShortName', n.attributes::json ->> 'fund_short_name', n.entity_key) AS "FundShortName",
    coalesce(n.attributes::json ->> 'Portfolio_Geneva', n.attributes::json ->> 'portfolio_geneva') AS "Portfolio_Geneva",
    coalesce(n.attributes::json ->> 'Portfolio_CAPM', n.attributes::json ->> 'portfolio_capm') AS "Portfolio_CAPM",
    coalesce(n.attributes::json ->> 'Portfolio_Derivados', n.attributes::json ->> 'portfolio_derivados') AS "Portfolio_Derivados",
    coalesce(n.attributes::json ->> 'Portfolio_UBS', n.attributes::json ->> 'portfolio_ubs') AS "Portfolio_UBS",
    CASE e.state WHEN 5 THEN 'OMITIDO' ELSE 'PENDIENTE' END AS untouched
  FROM execution e
  JOIN process p ON p.id = e.process_id AND e.id BETWEEN p.first_execution AND p.last_execution AND p.state > 0
  JOIN entity n ON n.execution_id = e.id
) f;

-- Only the events that the old trace had, so that sums over it mean what they meant; a step that ran out of time was an ERROR there.
CREATE VIEW logs_trace_records AS
SELECT concat_ws('-', lpad(at_us::text, 16, '0'), execution_id, run, coalesce(stage, ''), coalesce(step, ''), coalesce(attempt, 0), event) AS "ID_Trace",
  process_id AS "ID_Proceso", execution_id AS "ID_Ejecucion",
  CASE WHEN entity_key ~ '^[0-9]{1,18}$' THEN entity_key::bigint END AS "ID_Fund",
  timestamptz 'epoch' + at_us * interval '1 microsecond' AS "Timestamp", stage AS "Etapa", step AS "SubEtapa", CASE event WHEN 'TIMEOUT' THEN 'ERROR' ELSE event END AS "Tipo_Evento",
  resource AS "Recurso", duration_ms AS "Duracion_Ms", details AS "Metadata", worker AS "Thread_ID"
FROM trace
WHERE event IN ('START', 'END', 'LOCK', 'WAIT', 'ERROR', 'TIMEOUT');
