"""What is written into files: EXIF, XMP, and what a person states."""
