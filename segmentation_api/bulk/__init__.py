"""Many photos without a server: listed as a stream, parsed by processes here or on a Ray cluster, one row each.

No Django in here: processes and actors import what `work` needs, and nothing else.
"""
