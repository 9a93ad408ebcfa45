"""Where the pieces of a long piece of work are done: in this process, in several, on machines."""
