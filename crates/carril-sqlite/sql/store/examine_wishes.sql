-- How many wishes nobody has answered, and when the oldest was left (microseconds). Index: request_open.
SELECT count(*), min(posted_at) FROM request WHERE answer IS NULL;
