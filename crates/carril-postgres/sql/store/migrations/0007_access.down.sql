-- Takes back what 0005_access.up.sql made; tokens and the log of deeds are forgotten.
DROP TABLE deed;
DROP TABLE token;
