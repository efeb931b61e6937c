"""The authorization endpoints: discovery, authorize, token, UserInfo, revocation."""
