"""Which data, in which order: the four stages that end in a model bundle."""
