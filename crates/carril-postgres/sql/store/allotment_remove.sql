-- Removes what an engine had of limits that all share: it is over. $1 node. Index: none; there is a row per engine and limit.
DELETE FROM allotment WHERE node = $1::bigint;
