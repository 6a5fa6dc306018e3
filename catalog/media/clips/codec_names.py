"""Common names (those of FFmpeg) for the codes by which containers state their codecs."""

from __future__ import annotations

_QUICKTIME: dict[str, tuple[bytes, ...]] = {
    "h264": (b"avc1", b"avc2", b"avc3", b"avc4", b"ai12", b"ai15"),
    "hevc": (b"hvc1", b"hev1", b"hvc2", b"hev2", b"dvh1", b"dvhe"),
    "h263": (b"s263", b"h263", b"H263"),
    "mpeg4": (b"mp4v", b"DIVX", b"XVID", b"3IV2"),
    "mjpeg": (b"jpeg", b"mjpa", b"AVDJ"),
    "mjpegb": (b"mjpb",),
    "av1": (b"av01",),
    "vp9": (b"vp09",),
    "vp8": (b"vp08",),
    "prores": (b"apcn", b"apch", b"apcs", b"apco", b"ap4h", b"ap4x"),
    "dvvideo": (b"dvc ", b"dvcp", b"dvpp", b"dv5n", b"dv5p", b"dvh5", b"dvh6", b"dvhp", b"dvhq"),
    "svq1": (b"SVQ1", b"svqi"),
    "svq3": (b"SVQ3",),
    "cinepak": (b"cvid",),
    "rpza": (b"rpza", b"azpr"),
    "smc": (b"smc ",),
    "qtrle": (b"rle ",),
    "rawvideo": (b"raw ", b"yuv2", b"2vuy", b"yuvs", b"v308", b"NONE"),
    "png": (b"png ",),
    "mpeg2video": (
        b"mp2v",
        b"m2v1",
        b"xdvc",
        b"xdv1",
        b"xdv2",
        b"xdv3",
        b"hdv1",
        b"hdv2",
        b"hdv3",
        b"mx5n",
        b"mx5p",
    ),
    "mpeg1video": (b"mp1v", b"mpeg", b"m1v "),
    "msmpeg4v3": (b"DIV3", b"3IVD"),
    "indeo3": (b"IV31", b"IV32"),
    "dnxhd": (b"AVdn",),
    "cfhd": (b"CFHD",),
    "vc1": (b"vc-1",),
    "tiff": (b"tiff",),
    "gif": (b"gif ",),
    "aac": (b"mp4a", b"aac "),
    "mp3": (b".mp3", b"ms\0\x55", b"ms\0U"),
    "amr_nb": (b"samr",),
    "amr_wb": (b"sawb",),
    "pcm_s16le": (b"sowt", b"ipcm"),
    "pcm_s16be": (b"twos",),
    "pcm_s24be": (b"in24",),
    "pcm_s32be": (b"in32",),
    "pcm_f32be": (b"fl32",),
    "pcm_mulaw": (b"ulaw",),
    "pcm_alaw": (b"alaw",),
    "alac": (b"alac",),
    "ac3": (b"ac-3", b"sac3"),
    "eac3": (b"ec-3",),
    "qdm2": (b"QDM2",),
    "qdmc": (b"QDMC",),
    "adpcm_ima_qt": (b"ima4",),
    "adpcm_ima_wav": (b"ms\0\x11",),
    "mace3": (b"MAC3",),
    "mace6": (b"MAC6",),
    "qcelp": (b"Qclp", b"sqcp"),
    "evrc": (b"sevc",),
    "opus": (b"Opus",),
    "flac": (b"fLaC",),
    "gsm": (b"agsm",),
}
_BY_FOURCC = {code: name for name, codes in _QUICKTIME.items() for code in codes}

_RIFF: dict[str, tuple[str, ...]] = {
    "mjpeg": ("MJPG", "AVRN", "JPEG", "JPGL", "AVI1", "IJPG", "DMB1", "ACDV"),
    "mpeg4": (
        "XVID",
        "DIVX",
        "DX50",
        "FMP4",
        "MP4V",
        "M4S2",
        "MP4S",
        "3IV2",
        "UMP4",
        "RMP4",
        "SEDG",
    ),
    "msmpeg4v3": ("DIV3", "MP43", "DIV4", "DIV5", "AP41", "COL1", "MPG3"),
    "msmpeg4v2": ("MP42", "DIV2"),
    "msmpeg4v1": ("MPG4",),
    "h264": ("H264", "X264", "AVC1", "DAVC"),
    "hevc": ("HEVC", "H265", "HVC1"),
    "h263": ("H263", "X263", "U263", "M263", "S263"),
    "cinepak": ("CVID",),
    "indeo3": ("IV31", "IV32"),
    "indeo4": ("IV41",),
    "indeo5": ("IV50",),
    "indeo2": ("RT21",),
    "msvideo1": ("MSVC", "CRAM", "WHAM"),
    "rawvideo": ("DIB ", "RGB ", "YUY2", "UYVY", "YV12", "I420", "IYUV", "Y800"),
    "dvvideo": ("DVSD", "DVHD", "DVSL", "DV25", "DV50", "CDVC", "DVC ", "DVIS", "DVCP"),
    "msrle": ("MRLE",),
    "wmv1": ("WMV1",),
    "wmv2": ("WMV2",),
    "wmv3": ("WMV3",),
    "vc1": ("WVC1", "WMVA"),
    "mss1": ("MSS1",),
    "mss2": ("MSS2",),
    "vp8": ("VP80",),
    "vp9": ("VP90",),
    "av1": ("AV01",),
    "vp6": ("VP60", "VP61", "VP62"),
    "huffyuv": ("HFYU",),
    "ffv1": ("FFV1",),
    "flv1": ("FLV1",),
    "mpeg1video": ("MPG1", "MPEG", "PIM1"),
    "mpeg2video": ("MPG2", "MP2V", "EM2V", "MMES"),
    "theora": ("THEO",),
    "svq1": ("SVQ1",),
    "svq3": ("SVQ3",),
    "tscc": ("TSCC",),
    "png": ("MPNG", "PNG1"),
    "vp3": ("VP31",),
}
_BY_RIFF_CODE = {code: name for name, codes in _RIFF.items() for code in codes}

_WAVE = {
    2: "adpcm_ms",
    3: "pcm_f32le",
    6: "pcm_alaw",
    7: "pcm_mulaw",
    0x11: "adpcm_ima_wav",
    0x20: "adpcm_yamaha",
    0x31: "gsm_ms",
    0x45: "adpcm_g726",
    0x50: "mp2",
    0x55: "mp3",
    0xFF: "aac",
    0x130: "sipr",
    0x160: "wmav1",
    0x161: "wmav2",
    0x162: "wmapro",
    0x163: "wmalossless",
    0x000A: "wmavoice",
    0x706D: "aac",
    0x2000: "ac3",
    0x2001: "dts",
    0x1610: "aac",
    0xF1AC: "flac",
    0x566F: "vorbis",
}

_MATROSKA = {
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_MPEG4/ISO/ASP": "mpeg4",
    "V_MPEG4/ISO/SP": "mpeg4",
    "V_MPEG4/ISO/AP": "mpeg4",
    "V_MPEG4/MS/V3": "msmpeg4v3",
    "V_MPEG1": "mpeg1video",
    "V_MPEG2": "mpeg2video",
    "V_VP8": "vp8",
    "V_VP9": "vp9",
    "V_AV1": "av1",
    "V_MJPEG": "mjpeg",
    "V_THEORA": "theora",
    "V_PRORES": "prores",
    "V_FFV1": "ffv1",
    "V_UNCOMPRESSED": "rawvideo",
    "V_SNOW": "snow",
    "A_MPEG/L3": "mp3",
    "A_MPEG/L2": "mp2",
    "A_MPEG/L1": "mp1",
    "A_AC3": "ac3",
    "A_EAC3": "eac3",
    "A_DTS": "dts",
    "A_VORBIS": "vorbis",
    "A_OPUS": "opus",
    "A_FLAC": "flac",
    "A_PCM/INT/LIT": "pcm_s16le",
    "A_PCM/INT/BIG": "pcm_s16be",
    "A_PCM/FLOAT/IEEE": "pcm_f32le",
    "A_TRUEHD": "truehd",
    "A_ALAC": "alac",
}

_OBJECT_TYPES = {
    0x20: "mpeg4",
    0x21: "h264",
    0x23: "hevc",
    0x40: "aac",
    0x66: "aac",
    0x67: "aac",
    0x68: "aac",
    0x69: "mp3",
    0x6B: "mp3",
    0x60: "mpeg2video",
    0x61: "mpeg2video",
    0x62: "mpeg2video",
    0x65: "mpeg2video",
    0x6A: "mpeg1video",
    0x6C: "mjpeg",
    0x6D: "png",
    0xA5: "ac3",
    0xA6: "eac3",
    0xA9: "dts",
    0xAD: "opus",
    0xB1: "vp9",
    0xDD: "vorbis",
    0xE1: "qcelp",
}


def _text(code: bytes) -> str:
    return code.decode("latin-1").strip("\0 ").lower()


def quicktime_codec(code: bytes, bits: int = 0) -> str:
    """The codec of a sample entry's four-character code; the code itself, lower-case,
    where it is unknown.

    `raw ` means 8-bit sound in a sound track, told by `bits` (bits of a sound sample; 0 in a video
    track).
    """
    if bits and code in (b"raw ", b"NONE", b"\0\0\0\0"):
        return "pcm_u8" if bits <= 8 else "pcm_s16be"
    if bits == 8 and code in (b"twos", b"sowt"):
        return "pcm_s8"
    if bits == 24 and code in (b"twos", b"lpcm"):
        return "pcm_s24be"
    if code == b"lpcm":
        return "pcm_s16le"
    if code.upper() in (b"MJPG", b"H264", b"XVID"):
        return riff_video_codec(code)
    return _BY_FOURCC.get(code) or _text(code)


def riff_video_codec(code: bytes) -> str:
    """The codec of a FOURCC as AVI and ASF use it (any case); BI_RGB (zero) is raw video."""
    if code in (b"\0\0\0\0", b"RAW "):
        return "rawvideo"
    if code in (b"\x01\0\0\0", b"\x02\0\0\0"):
        return "msrle"
    return _BY_RIFF_CODE.get(code.decode("latin-1").upper()) or _text(code)


def wave_codec(tag: int, bits: int) -> str:
    """The codec of a WAVEFORMATEX format tag; PCM (1) is told apart by bits a sample."""
    if tag in (1, 0xFFFE):
        return {8: "pcm_u8", 24: "pcm_s24le", 32: "pcm_s32le"}.get(bits, "pcm_s16le")
    return _WAVE.get(tag) or f"0x{tag:04x}"


def matroska_codec(identifier: str) -> str:
    """The codec of a Matroska CodecID."""
    if identifier.startswith("A_AAC"):
        return "aac"
    return _MATROSKA.get(identifier) or identifier.partition("_")[2].lower()


def mpeg4_object_codec(object_type: int) -> str | None:
    """The codec of an MPEG-4 objectTypeIndication (ISO/IEC 14496-1),
    or None where it is unknown.
    """
    return _OBJECT_TYPES.get(object_type)
