"""The leaderboards as pages: a static site, and the tables of the repository."""
