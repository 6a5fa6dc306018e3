"""How ffmpeg is told to make a film that every browser plays: 720p in H.264 with AAC, its index at
the front, nothing of its metadata.
"""

from __future__ import annotations

from catalog.domain.video import HLG, PQ, Clip, Pictures
from catalog.media.video.conversion import stated_colours

SHORT_SIDE = 720
QUALITY = 23
"""x264's constant rate factor (0-51, lower is better)."""
MOST_RATE = "4M"
"""Bits a second at most, on average over two seconds: what a radio network carries."""
MOST_FRAMES = 60
"""Frames a second at most: what a common screen shows."""
_WIDTH = "iw*if(gt(sar,0),sar,1)"
_SHARE = f"min(1,{SHORT_SIDE}/min({_WIDTH},ih))"
_HDR = (PQ, HLG)


def arguments(source: str, target: str, clip: Clip) -> list[str]:
    """The arguments of ffmpeg; what of a film is damaged is passed over."""
    assert clip.pictures is not None
    return [
        "-i",
        f"file:{source}",
        "-map",
        f"0:{clip.pictures.index}",
        "-map",
        "0:a:0?",
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-vf",
        ",".join(filters(clip.pictures)),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", f"{QUALITY}"),
        *("-maxrate", MOST_RATE, "-bufsize", "8M", "-fps_mode:v", "vfr"),
        *("-c:a", "aac", "-b:a", "128k", "-ac", "2"),
        *("-movflags", "+faststart", "-f", "mp4", "-y"),
        f"file:{target}",
    ]


def filters(pictures: Pictures) -> list[str]:
    """What becomes of each picture: never enlarged, square pixels, even sides, and of HDR what a
    common screen can show.
    """
    chain = stated_colours(pictures)
    if pictures.interlaced:
        chain.append("bwdif=mode=send_frame:deint=interlaced")
    if pictures.rate > MOST_FRAMES:
        chain.append(f"fps={MOST_FRAMES}")
    width, height = f"trunc({_WIDTH}*{_SHARE}/2)*2", f"trunc(ih*{_SHARE}/2)*2"
    chain += [f"scale=w='max(2,{width})':h='max(2,{height})'", "setsar=1"]
    if pictures.transfer in _HDR:
        chain += [
            "zscale=t=linear:npl=203",
            "format=gbrpf32le",
            "zscale=p=bt709",
            "tonemap=tonemap=mobius:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
        ]
    return [*chain, "format=yuv420p"]
