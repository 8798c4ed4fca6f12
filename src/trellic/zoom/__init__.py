"""`trellic tiles`: a picture as small tiles at every zoom, as a folder of files or served as they are asked for."""
