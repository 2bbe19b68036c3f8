"""Does one text follow from another? A model's opinion beside the deterministic check of citations."""
