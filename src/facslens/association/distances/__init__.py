"""How far apart the responses with an action unit lie from those without it."""
