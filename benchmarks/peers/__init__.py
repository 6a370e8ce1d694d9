"""The same pipeline behind other servers, each written as its own documentation recommends."""
