"""`netid persona`: the synthetic people, shipped or from a file."""

from argparse import Namespace

from netid.ambient import Ambient
from netid.identity.calendar import legal_day
from netid.identity.persons import load_personas, shipped_personas
from netid.storage.text_files import text_of


def run(chosen: Namespace) -> None:
    """Lists them, or says that a file has no mistake. Raises PersonaError with the first one."""
    today = legal_day(Ambient.real().now())
    if chosen.file is None:
        personas = shipped_personas(today)
    else:
        personas = load_personas(text_of(chosen.file), str(chosen.file), today)
    if chosen.action == "check":
        print(f"{len(personas)} personas, no mistake")
        return
    for persona in personas:
        print(f"{persona.id:<28}{persona.status:<11}{persona.title.en}")
