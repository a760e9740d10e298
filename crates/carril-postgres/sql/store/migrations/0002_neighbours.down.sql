-- Takes away what engines know of each other.
DROP TABLE participant;
DROP INDEX execution_cancelling, node_living;
