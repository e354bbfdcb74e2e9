"""Hyp-RL (Jomaa, Grabocka and Schmidt-Thieme 2019): double Q-learning with an LSTM over the trials of a search."""
