"""GRPOformer: a transformer that reads a search and proposes the next configuration, trained by GRPO."""
