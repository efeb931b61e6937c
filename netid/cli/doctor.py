"""`netid doctor`: whether a provider that runs is as it says of itself."""

from argparse import Namespace
from urllib.parse import urlsplit

from netid.ambient import Ambient
from netid.cli.examination import Examination, Report
from netid.errors import InvalidField


def run(chosen: Namespace) -> int:
    """Prints what was found and what to do; status 1 where there is anything, else 0."""
    issuer = chosen.issuer.rstrip("/")
    if urlsplit(issuer).scheme not in {"http", "https"} or not urlsplit(issuer).netloc:
        raise InvalidField("issuer", "must be an http or https URL", "write one such as https://id.example")
    report = Examination(issuer, trust=chosen.trust, now=Ambient.real().now).report()
    print_findings(report)
    for note in report.notes:
        print(f"note: {note}")
    if not report.findings:
        print(f"{issuer}: {len(report.looked_at)} addresses asked, all as advertised")
    return 1 if report.findings else 0


def print_findings(report: Report) -> None:
    """Each finding in three lines: what, what was expected, what to do."""
    for finding in report.findings:
        print(f"{finding.what}\n    expected: {finding.expected}\n    to do:    {finding.remedy}")
