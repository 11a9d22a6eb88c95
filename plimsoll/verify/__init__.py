"""How the protocol is verified: coverage, mutation, campaigns. Nothing here is needed to deploy or to use it."""
