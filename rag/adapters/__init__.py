"""What stands behind the ports: one vendor, one file. Adapters see types, errors and ports, never steps."""
