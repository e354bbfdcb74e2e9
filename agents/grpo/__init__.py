"""The group-relative policy gradient (GRPO) as a Stable-Baselines3 algorithm, and JEL's policy."""
