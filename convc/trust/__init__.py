"""Whether a network may be trusted: every pass and every kernel held against the interpreter."""
