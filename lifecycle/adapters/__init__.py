"""Adapters of the lifecycle: our database, MLflow."""
