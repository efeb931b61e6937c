"""The wallet: what its owner holds of net credentials, receives, keeps and presents."""
