"""One module per kind of user; each adds its commands to an `App` of its own."""
