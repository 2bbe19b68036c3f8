"""Policy engines. Rego in process is the default."""
