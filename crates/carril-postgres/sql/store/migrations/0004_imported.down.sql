-- Takes back what 0004_imported.up.sql made. Imported processes stay, and nobody knows any more that they are.
DROP VIEW imports;
DROP TABLE imported;
