-- Wishes that nobody had answered when the backup was made are nobody's any more. Index: request_open.
DELETE FROM request WHERE answer IS NULL;
