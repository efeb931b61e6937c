"""`netid rules report`: each article with its duty, where it is done, and what shows it."""

import json
import os
from argparse import Namespace
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader

from netid.services.rule_report import rule_report


def run(chosen: Namespace) -> None:
    """Prints the report; with `--records` it counts the events of the database that the settings name."""
    report = rule_report(_counted() if chosen.records else None)
    if chosen.format == "json":
        print(json.dumps(report, ensure_ascii=False, indent=2))
        return
    templates = Environment(loader=PackageLoader("netid.cli"), autoescape=True, trim_blocks=True)
    print(templates.get_template("rules.html").render(report))


def _counted() -> Mapping[str, int]:
    from netid.ambient import Ambient
    from netid.app import open_office
    from netid.settings import read_settings
    from netid.storage.key_files import load_keys

    settings = read_settings(os.environ)
    office = open_office(settings, load_keys(settings.keys), Ambient.real())
    try:
        with office.stores.db.read() as tx:
            return office.stores.audit.counts(tx)
    finally:
        office.close()
