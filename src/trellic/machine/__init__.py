"""Features for machines: what a network sees of a picture in the first part of its stream, and what is made of that."""
