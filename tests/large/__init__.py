"""`make test-large`: what takes the full network, gigabytes and minutes."""
