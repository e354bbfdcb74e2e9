"""A searcher that is trained on many tasks and used, as it is, on others: a policy over the candidates of any pool."""
