"""NetID: an open mock of a national network identity authentication service.

Every person and document in it is made up. Not for real identities.
"""
