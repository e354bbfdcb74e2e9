"""Bridges to other libraries, one module each; import the module of the library that you have."""
