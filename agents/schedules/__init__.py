"""Controllers of training runs that follow a schedule fixed beforehand: the references that a learned one must beat."""
