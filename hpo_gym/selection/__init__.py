"""The table that gets searched: spaces, prepared tasks and the rules of a trial."""
