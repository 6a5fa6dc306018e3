"""FFmpeg: probing, frames, conversion, proof of a conversion."""
