"""What a Spark cluster needs and this project does not install: Java, Spark, Beam's job server.

``python -m benchmarks.cluster.parts`` (``make spark``) fetches them into ``.cache/spark`` once, by
pip and Maven; nothing else here touches the network.
"""

import contextlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

SPARK_VERSION = "3.5.9"
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "spark"
POM = ROOT / "benchmarks" / "spark_job_server" / "pom.xml"
OFFICIAL = "beam-runners-spark-3-job-server"
CHOSEN = "chosen.jar"  # a link in the cache to the jar that `make spark` found
MAVEN = ("mvn", "--batch-mode", "--quiet", "-Daether.connector.connectTimeout=15000")
MISSING = "run `make spark` first"


class PartsError(Exception):
    """Something that the cluster needs is not here; the message says what to do."""


@dataclass(frozen=True)
class Parts:
    """Where the parts lie. ``origin`` says which job server the jar is."""

    java: Path
    spark_home: Path
    jar: Path
    origin: str


def find(jar: Path | None = None) -> Parts:
    """The parts already here, without any network. Raises ``PartsError``."""
    found_java = shutil.which("java")
    if found_java is None:
        raise PartsError("no java in PATH: install Java 17 (Debian: openjdk-17-jre-headless)")
    spark = _spark_home()
    if not (spark / "jars").is_dir():
        raise PartsError(f"{spark}: no Spark; {MISSING}")
    chosen = jar or CACHE / CHOSEN
    if not chosen.is_file():
        raise PartsError(f"{chosen}: no job server jar; {MISSING}")
    return Parts(Path(found_java), spark, chosen.resolve(), _origin(chosen.resolve()))


def prepare(jar: Path | None = None, limit: float = 600.0) -> Parts:
    """Fetch what is missing; ``limit`` seconds for each download. Raises ``PartsError``."""
    with contextlib.suppress(PartsError):
        return find(jar)
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise PartsError(f"no {tool} in PATH: install a JDK 17 and Maven")
    CACHE.mkdir(parents=True, exist_ok=True)
    if not (_spark_home() / "jars").is_dir():
        environment = CACHE / "environment"
        _call([sys.executable, "-m", "venv", str(environment)], limit)
        pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet"]
        _call([*pip, "--retries=1", "--timeout=15", f"pyspark=={SPARK_VERSION}"], limit)
    link = CACHE / CHOSEN
    if jar is None and not link.is_file():
        place = _official(limit) or _assembled(limit)
        link.unlink(missing_ok=True)
        link.symlink_to(place)
    return find(jar)


def _spark_home() -> Path:
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return CACHE / "environment" / "lib" / name / "site-packages" / "pyspark"


def _origin(jar: Path) -> str:
    if jar.name.startswith(OFFICIAL):
        return f"Apache Beam's own {jar.name}"
    if jar.is_relative_to(CACHE.resolve()):
        return f"assembled from Beam's published parts by {POM.relative_to(ROOT)}"
    return f"given: {jar}"


def _official(limit: float) -> Path | None:
    """Beam's ready-made jar of the installed Beam version, from Beam's cache or from Maven."""
    name = f"{OFFICIAL}-{version('apache-beam')}"
    for cached in (Path.home() / ".apache_beam/cache/jars" / f"{name}.jar", CACHE / f"{name}.jar"):
        if cached.is_file():
            return cached
    artifact = f"org.apache.beam:{OFFICIAL}:{version('apache-beam')}"
    goal = ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={CACHE}"]
    try:
        _call([*MAVEN, *goal], limit, cwd=CACHE)
    except PartsError as error:
        print(f"{artifact}: {_reason(str(error))}", file=sys.stderr)
        return None
    return CACHE / f"{name}.jar"


def _reason(message: str) -> str:
    lines = [line for line in message.splitlines() if "ERROR" in line] or message.splitlines()
    return lines[0][-200:] if lines else "no reason given"


def _assembled(limit: float) -> Path:
    folder = CACHE / "job_server"
    folder.mkdir(exist_ok=True)
    shutil.copy(POM, folder / "pom.xml")
    _call([*MAVEN, "package"], limit, cwd=folder)
    return folder / "target" / "spark-job-server-1.jar"


def _call(command: list[str], limit: float, cwd: Path | None = None) -> None:
    """Run a command. Raises ``PartsError`` with its output when it fails or takes too long."""
    try:
        subprocess.run(
            command,
            cwd=cwd,
            timeout=limit,
            check=True,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise PartsError(f"{' '.join(command)}: no answer within {limit:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise PartsError(f"{' '.join(command)}:\n{error.stdout[-2000:]}") from error


def main(
    limit: Annotated[float, typer.Option(help="Seconds that one download may take.")] = 600.0,
) -> None:
    """Fetch Spark and Beam's job server into .cache/spark, and say which were found.

    Example: python -m benchmarks.cluster.parts
    """
    try:
        parts = prepare(limit=limit)
    except PartsError as error:
        raise SystemExit(f"no Spark cluster can be started here: {error}") from error
    print(f"Spark {SPARK_VERSION}: {parts.spark_home}\njob server: {parts.origin}")


if __name__ == "__main__":
    typer.run(main)
