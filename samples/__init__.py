"""Sample files of a fictional company, the questions asked about them, and what builds both."""
