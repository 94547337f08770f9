"""`make replay`: predictions of the log scored again with the model that made them."""
