"""The Prefect skin, thin: when and how often, never what."""
