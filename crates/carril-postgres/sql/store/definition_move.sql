-- Keeps where the SQL of a known definition stands now. $1 version, $2 body (JSON). By its unique index.
UPDATE definition SET body = $2::text WHERE version = $1::text AND body <> $2::text;
