"""What the service costs, measured. See README.md."""
