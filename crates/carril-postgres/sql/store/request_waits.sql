-- Whether a request waits that an engine may serve: nobody has answered it, and no other engine that lives is about it.
-- $1 the engine that asks. Index: request_open.
SELECT EXISTS (
  SELECT 1 FROM request r
  WHERE r.answer IS NULL
    AND (r.node IS NULL OR r.node = $1::bigint OR NOT EXISTS (SELECT 1 FROM node n WHERE n.id = r.node AND n.left_at IS NULL))
);
