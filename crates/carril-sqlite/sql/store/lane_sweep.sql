-- Takes one settled execution out of execution_lane. Done for many at once, because their entries lie all over the index.
-- ?1 execution. By primary key.
UPDATE execution SET lane_open = 0 WHERE id = ?1 AND state > 2;
