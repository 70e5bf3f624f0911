"""Use cases: load, check, change, append the event, commit. A function per use case, named by its verb."""
