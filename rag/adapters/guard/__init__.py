"""Guards. Presidio with our own recognizers and a medical term layer is the default."""
