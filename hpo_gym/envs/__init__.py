"""The Gymnasium environments; import an environment's module, or use `gym.make`."""
