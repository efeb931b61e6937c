"""Every test here has a wallet and whom it meets."""

from tests.unit.wallet.world import world as world
