"""The command line: one short file per command, no compiler logic. Commands import what they need when they run."""
