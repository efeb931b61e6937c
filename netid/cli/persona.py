"""`netid persona`: the synthetic people, shipped or from a file."""

from argparse import Namespace

from netid.ambient import Ambient
from netid.errors import PersonaError
from netid.identity.calendar import legal_day
from netid.identity.persons import load_personas, shipped_personas


def run(chosen: Namespace) -> None:
    """Lists them, or says that a file has no mistake. Raises PersonaError with the first one."""
    today = legal_day(Ambient.real().now())
    if chosen.personas is None:
        personas = shipped_personas(today)
    else:
        try:
            text = chosen.personas.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PersonaError(f"{chosen.personas}: cannot be read as UTF-8 text") from error
        personas = load_personas(text, str(chosen.personas), today)
    if chosen.action == "check":
        print(f"{len(personas)} personas, no mistake")
        return
    for persona in personas:
        print(f"{persona.id:<28}{persona.status:<11}{persona.title.en}")
