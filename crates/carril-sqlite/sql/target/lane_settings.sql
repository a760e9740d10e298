-- How a lane's connection behaves; `synchronous` is set apart, since it is the pipeline's choice.
-- Foreign keys hold between a lane's own tables. No memory map: it turns a damaged file into a crash.
pragma foreign_keys = on;
pragma trusted_schema = off;
pragma cell_size_check = on;
pragma mmap_size = 0;
