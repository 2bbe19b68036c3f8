"""State of the house in one SQL database: ledger, cleared texts, audit chain, keys, budgets, releases."""
