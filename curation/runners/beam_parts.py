"""Java, job-server jars, Prism and Docker: what Beam's runners want from the machine.

Each function says what is missing and how to get it, or None. Beam would download some of it, and
wait for minutes where it cannot; so nothing here leaves it to Beam.
"""

import json
import os
import shutil
import subprocess
import zipfile
from importlib.metadata import version
from pathlib import Path

from curation.runners.endpoints import SECONDS

CACHE = "~/.apache_beam/cache/jars"
MAVEN = "https://repo.maven.apache.org/maven2/org/apache/beam"
SPARK_JOB_SERVER = "beam-runners-spark-3-job-server"  # its name in Maven
PRISM = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def missing_java(launcher: str) -> str | None:
    """Java that starts a job server."""
    if is_program(launcher or "java"):
        return None
    return (
        f"SparkRunner needs Java for its job server, and there is no {launcher or 'java'!r}: "
        "install a JRE (Debian: openjdk-17-jre-headless), or name one by "
        "--job_server_java_launcher, or a running job server by --job_endpoint=HOST:PORT"
    )


def missing_jar(given: str, folder: str) -> str | None:
    """The jar of Spark's job server: the one given, or the one in Beam's cache."""
    option, name = "spark_job_server_jar", SPARK_JOB_SERVER
    file = f"{name}-{version('apache-beam')}.jar"
    cached = Path(folder or CACHE).expanduser() / (os.path.basename(given) if given else file)
    jar = Path(given) if given and Path(given).is_file() else cached
    if jar.is_file():
        if zipfile.is_zipfile(jar):
            return None
        return f"--{option}: {jar} is no jar (cut off?): fetch it again"
    where = f"{MAVEN}/{name}/{version('apache-beam')}/{file}"
    return (
        f"--{option}: no job server: {f'{given} is no file here' if given else 'not given'}, and "
        f"{cached} is not there; expected Beam's jar: fetch {where} and name it by --{option}=FILE"
    )


def missing_prism(given: str) -> str | None:
    """The Prism binary, which must be named."""
    if Path(given).is_file() and (os.access(given, os.X_OK) or zipfile.is_zipfile(given)):
        return None
    problem = f"{given} is no program here" if given else "not given"
    install = f"go install {PRISM}@v{version('apache-beam')}"
    return (
        f"--prism_location: {problem}; expected the Prism binary of Beam {version('apache-beam')}: "
        f"{install}, then --prism_location=$(go env GOPATH)/bin/prism"
    )


def missing_docker() -> str | None:
    """A Docker client here whose engine answers."""
    if not is_program("docker"):
        return "there is no docker client here: install Docker, or take EXTERNAL"
    ask = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"Docker's engine gives no answer in {SECONDS:g} seconds: start it"
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        return f"Docker's engine does not answer ({said[-1]}): start it, or take EXTERNAL"
    return None


def is_program(name: str) -> bool:
    """Whether this can be started here, by name or path."""
    return shutil.which(name) is not None


def json_field(text: str, field: str) -> str:
    """The field, where the text is a JSON object; else the text: Beam takes both."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return str(json.loads(text).get(field, ""))
    except ValueError:
        return ""
