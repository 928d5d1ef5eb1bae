"""The command line: one short file per command, and no compiler logic. What a command needs is imported when it runs."""
