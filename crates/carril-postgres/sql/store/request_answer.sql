-- Answers a request; one that is answered or withdrawn stays as it is (no row).
-- $1 request, $2 answer (JSON), $3 now (microseconds). By primary key; leaves request_open.
UPDATE request SET answer = $2::text, answered_at = $3::bigint WHERE id = $1::bigint AND answer IS NULL;
