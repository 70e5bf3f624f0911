"""What is true of the programme, as pure functions: no web, no database, no clock, no files."""
