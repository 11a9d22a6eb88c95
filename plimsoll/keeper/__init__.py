"""The keeper: what it knows of the chain, and what it does about it.

The data half follows the protocol's events into SQLite (`store`, `indexer`), holds every account's exact state
(`state`, `pools`), and knows at which prices each account crosses its line (`valuation`, `lines`). `books.Books` puts
them together.
"""
