"""The agents: search methods, trained policies, and the catalogue that names them."""
