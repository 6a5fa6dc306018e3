"""TIFF, EXIF and the raw formats built on them."""
