"""What a person sees at the provider."""
