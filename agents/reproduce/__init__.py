"""Papers' experiments run again: plans of trainings and evaluations, and the pages that say what came of them."""
