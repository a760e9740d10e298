-- Leaves a wish for the engine.
-- $1 wish (JSON), $2 now (microseconds).
INSERT INTO request (wish, posted_at) VALUES ($1::text, $2::bigint)
RETURNING id;
