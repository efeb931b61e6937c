"""`python -m netid.cli`."""

import sys

from netid.cli import main

sys.exit(main())
