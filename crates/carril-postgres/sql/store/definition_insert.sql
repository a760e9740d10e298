-- Keeps a definition; a second time is no change (no row).
-- $1 version, $2 name, $3 body (JSON), $4 now (microseconds). By its unique index.
INSERT INTO definition (version, name, body, defined_at) VALUES ($1::text, $2::text, $3::text, $4::bigint)
ON CONFLICT (version) DO NOTHING
RETURNING id;
