"""The parts of in-run control: what an action does, what is seen, what is rewarded, what is drawn."""
