"""Storage: concrete classes over SQLAlchemy Core, on SQLite and PostgreSQL alike."""
