-- The newest engine that a store knows: with its time it tells whether another store goes on from this one. By primary key.
SELECT id, host, pid, entered_at FROM node ORDER BY id DESC LIMIT 1;
