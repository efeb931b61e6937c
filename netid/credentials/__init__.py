"""Everything signed, as functions of values: no network, no files, no database, no clock."""
