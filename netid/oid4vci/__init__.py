"""Issuing the net credential into a wallet (OpenID for Verifiable Credential Issuance 1.0)."""
