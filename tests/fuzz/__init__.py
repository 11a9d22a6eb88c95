"""Contracts against their exact-integer twins and published numbers, over generated inputs."""
