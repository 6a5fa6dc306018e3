"""ISO base media files: MP4, QuickTime, HEIF, AVIF and CR3."""
