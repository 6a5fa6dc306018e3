"""Videos that are no ISO base media: AVI, Matroska, ASF, MPEG, AVCHD;
and the reader of all of them.
"""
