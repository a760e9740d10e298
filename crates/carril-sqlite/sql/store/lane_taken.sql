-- Whether an unsettled execution has this lane key already: then a new one does not head it.
-- ?1 lane hash. Index: execution_lane.
SELECT EXISTS (SELECT 1 FROM execution WHERE lane_hash = ?1 AND lane_open = 1 AND state < 3);
