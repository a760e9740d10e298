-- Takes back what 0010_lanes_auto.up.sql made. Processes keep the number of lanes that they have now.
DROP VIEW lanes_changes;
DROP TABLE lanes_change;
