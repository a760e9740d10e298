-- Forgets a pipeline's baseline. $1 pipeline. By primary key.
DELETE FROM baseline WHERE pipeline = $1::text;
