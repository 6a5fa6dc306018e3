"""What is written into files: the date of capture as EXIF, and what a person said as XMP."""
