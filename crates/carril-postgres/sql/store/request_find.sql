-- Requests that nobody has answered, oldest first. Who gets one is the engine that it is for from then on: no other gets it as long as
-- that engine lives, so that nothing is done twice.
-- $1 at most, $2 the engine that asks. Index: request_open.
WITH open AS (
  SELECT r.id FROM request r
  WHERE r.answer IS NULL
    AND (r.node IS NULL OR r.node = $2::bigint OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = r.node AND n.left_at IS NULL))
  ORDER BY r.posted_at, r.id LIMIT $1::bigint FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE request r SET node = $2::bigint FROM open WHERE r.id = open.id
  RETURNING r.id, r.wish, r.posted_at
)
SELECT id, wish FROM taken ORDER BY posted_at, id;
