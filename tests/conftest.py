"""What every test can lean on; and the rule that nothing is skipped."""

import pytest

# Before anybody imports them: rooms borrow from one another.
pytest.register_assert_rewrite("tests.pages", "tests.protocol.refusals", "tests.protocol.visiting")

pytest_plugins = [
    "tests.running",
    "tests.listening",
    "tests.postgres",
    "tests.serving",
    "tests.watching",
    "tests.chromium",
    "tests.npm",
    "tests.protocol.demo_platform",
]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test proves nothing, so it fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("failed: skipped tests prove nothing", red=True)
