"""Agents that Stable-Baselines3 trains on the training tasks."""
