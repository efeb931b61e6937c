"""The demo internet platform: three made-up companies that let people sign in with NetID.

It is a relying party like any other and knows of NetID only what `netid.client` tells it.
"""
