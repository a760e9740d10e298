-- From now on no execution that a restored store holds is taken for one of which nothing was tried: `claim_find` reads it.
-- By primary key.
INSERT INTO sequence (name, next) SELECT 'tried', next FROM sequence WHERE name = 'id'
ON CONFLICT (name) DO UPDATE SET next = excluded.next;
