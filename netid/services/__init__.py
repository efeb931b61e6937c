"""What a person or a relying party does, one transaction each."""
