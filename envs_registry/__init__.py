"""The declared environments: one TOML file, one environment."""
