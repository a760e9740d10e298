-- Forgets what was done long ago.
-- ?1 how many numbers behind the newest are kept. By primary key.
DELETE FROM deed WHERE id <= (SELECT max(id) FROM deed) - ?1;
