"""Training by presets: folders that hold a training run, its checkpoints, and the policy that came of it."""
