"""Every stored column is listed with the purpose it is kept for (Measures, article 9)."""

from sqlalchemy import Column, MetaData, Table, Text

from netid.storage.tables import KEYS, MAIN, PURPOSES


def unlisted(*databases: MetaData) -> set[str]:
    return {
        str(column) for metadata in databases for table in metadata.tables.values() for column in table.c
    } ^ set(PURPOSES)


def test_each_column_has_a_purpose_and_each_purpose_a_column() -> None:
    assert unlisted(MAIN, KEYS) == set()
    assert all(PURPOSES.values())


def test_a_new_column_is_noticed() -> None:
    planted = MetaData()
    Table("persons", planted, Column("name", Text))
    assert unlisted(MAIN, KEYS, planted) == {"persons.name"}
