"""How agents are judged: protocols, rollouts, records, metrics, intervals, results, comparisons."""
