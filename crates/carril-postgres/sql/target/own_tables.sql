-- Whether Carril's own schema is there, and whether all its tables are.
select
    to_regnamespace('carril_target') is not null,
    to_regclass('carril_target.fence') is not null
        and to_regclass('carril_target.publication') is not null
        and to_regclass('carril_target.workspace') is not null;
