-- Answers a request; one that is answered or withdrawn stays as it is (no row).
-- ?1 request, ?2 answer (JSON), ?3 now (microseconds). By primary key; leaves request_open.
UPDATE request SET answer = ?2, answered_at = ?3 WHERE id = ?1 AND answer IS NULL;
