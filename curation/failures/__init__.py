"""From what goes wrong to an exit code and one line for the user, the same for every command."""
