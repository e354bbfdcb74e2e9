"""Where numbers and text come from: verified downloads, caches, tables, corpora."""
