-- When an engine was last alive in this store (microseconds), or null. Reads the few rows of `node`.
SELECT max(last_seen) FROM node;
