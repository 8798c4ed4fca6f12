"""A synthesis that pleases: trained on the latents of a frozen encoder, for decoders that ask for it."""
