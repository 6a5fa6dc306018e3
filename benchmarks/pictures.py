"""What small pictures cost an upload: the same corpus into one new catalog after the other, with
pictures and without them in turn.

    python benchmarks/pictures.py --files 1000 --rounds 5
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import click
from corpus import make_corpus
from run import BIN, INDEX, Row, _command, _print

KINDS = ("off", "on")


def _upload(corpus: Path, files: int, work: Path, number: int, previews: str) -> Row:
    """One upload into an empty catalog."""
    environment = {**os.environ, "CATALOG_PREVIEWS": previews}
    shutil.rmtree(work / "nas", ignore_errors=True)
    command = [str(BIN / "upload_to_nas_from_disk"), "-r", "-q", "--nas_root", str(work / "nas")]
    name = f"upload, previews {previews}"
    return _command(
        name, files, [*command, "--index", f"{INDEX}-{number}", str(corpus)], environment
    )


@click.command()
@click.option("--files", default=1000, show_default=True, help="Files in the corpus.")
@click.option("--rounds", default=5, show_default=True, help="Uploads of each kind.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where to keep the corpus; else a temporary folder.",
)
def main(files: int, rounds: int, folder: Path | None) -> None:
    """Measure uploads with small pictures and without."""
    with tempfile.TemporaryDirectory(prefix="catalog-bench-") as temporary:
        work = Path(temporary)
        work.chmod(0o755)
        corpus = (folder or work / "corpus") / f"mixed-{files}-1"
        make_corpus(corpus, files, 1, "mixed")
        os.environ["CATALOG_STATE_DIR"] = str(work / "state")
        os.environ["CATALOG_NODE_HOME"] = str(work / "node")
        os.environ["CATALOG_PREVIEW_DIR"] = str(work / "previews")
        engine = [str(BIN / "catalog"), "engine"]
        subprocess.run([*engine, "start", "-q"], check=True, stdout=subprocess.DEVNULL)
        try:
            _upload(corpus, files, work, 0, "on")  # warm
            rows = []
            for number in range(rounds):
                shutil.rmtree(work / "previews", ignore_errors=True)
                kinds = KINDS if number % 2 else KINDS[::-1]
                for place, kind in enumerate(kinds):
                    rows.append(_upload(corpus, files, work, 1 + 2 * number + place, kind))
            size = sum(path.stat().st_size for path in (work / "previews").rglob("*.sqlite"))
        finally:
            subprocess.run([*engine, "stop"], check=False, stdout=subprocess.DEVNULL)
    _print(rows)
    by_kind = {kind: [row for row in rows if row.name.endswith(f" {kind}")] for kind in KINDS}
    cpu = {k: statistics.median(row.cpu for row in found) for k, found in by_kind.items()}
    rate = {k: statistics.median(row.rate for row in found) for k, found in by_kind.items()}
    click.echo(
        f"\nmedians: CPU {cpu['off']:.2f} -> {cpu['on']:.2f} ms a file"
        f" ({cpu['on'] / cpu['off'] - 1:+.1%}), {rate['off']:.1f} -> {rate['on']:.1f} files/s"
        f" ({rate['on'] / rate['off'] - 1:+.1%}), {size / files / 1000:.1f} kB a file"
    )


if __name__ == "__main__":
    main()
