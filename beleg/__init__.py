"""The command line: the one place that names every room. Nobody imports it."""
