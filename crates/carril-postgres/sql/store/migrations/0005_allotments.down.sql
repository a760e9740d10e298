-- Takes back what 0005_allotments.up.sql made. Engines of the version before count limits each for itself.
DROP TABLE allotment;
