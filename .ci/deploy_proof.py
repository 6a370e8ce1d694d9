"""The whole way to AWS on one machine: publish a model, build, push, deploy, roll back by itself and by hand.

Real: the scripts of docker/deploy, the SSM document as terraform renders it, docker, a registry, Caddy, the service.
Stand-ins: S3, ECR's API, SSM, STS and EC2 are moto (deploy_aws.py); this machine plays the EC2 host.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from hashlib import sha1
from pathlib import Path

import boto3
import httpx
from deploy_load import photo_of
from deploy_stage import (
    READY_TIMEOUT,
    ROOT,
    SECRET,
    SERVICE,
    Proof,
    clean_up,
    demand,
    docker,
    free_port,
    prepare,
    run,
    say,
)

V1, V2, ENDS, HANGS = (sha1(name.encode()).hexdigest() for name in ("v1", "v2", "ends", "hangs"))


def publish(proof: Proof) -> None:
    """The model goes into the bucket, once."""
    command = (
        ROOT / ".venv/bin/python",
        "manage.py",
        "publish_model",
        "ml_core/bundles/lite-int8",
        "s3://models/faces",
    )
    demand("publish_model: the bundle is in s3://models/faces", "is published" in run(*command).stdout)
    demand("publish_model again: nothing to do", "Nothing to do" in run(*command).stdout)


def push(proof: Proof) -> None:
    """v1 is built and pushed; the others derive from it by one line each."""
    if given := os.environ.get("PROOF_IMAGE"):
        docker("tag", given, f"{SERVICE}:{V1}")
        print(f"  v1 is {given}; build.sh is NOT tried")
    else:
        built = proof.script("build.sh", TAG=V1).stdout.strip()
        demand(f"build.sh built {built[:30]}...", built == f"{SERVICE}:{V1}")
    for tag, parent, line in (
        (V2, V1, 'LABEL release="2"'),
        (ENDS, V2, "ENV MODEL=absent"),
        (HANGS, V2, 'ENTRYPOINT ["sleep", "600"]'),
    ):
        file = f"FROM {SERVICE}:{parent}\n{line}\n"
        subprocess.run(
            ["docker", "build", "-q", "-t", f"{SERVICE}:{tag}", "-"],
            input=file,
            text=True,
            check=True,
            capture_output=True,
        )
    for tag in (V1, V2, ENDS, HANGS):
        proof.script("push.sh", TAG=tag)
        docker("image", "rm", f"{proof.registry}/{SERVICE}:{tag}")  # the host has to pull it
    again = proof.script("push.sh", TAG=V1)
    demand(
        "push.sh: v1, v2 and two broken v3 are in the registry; a second push of v1 leaves it",
        "nothing pushed" in again.stderr,
    )


def unserved(proof: Proof) -> None:
    """A model that is not what its model.json says, a bucket that cannot be reached: the container says so and ends."""
    bucket = boto3.client("s3")
    for row in bucket.list_objects_v2(Bucket="models", Prefix="faces/lite-int8/")["Contents"]:
        copy = row["Key"].replace("faces/", "damaged/")
        bucket.copy_object(Bucket="models", Key=copy, CopySource=f"models/{row['Key']}")
    bucket.put_object(Bucket="models", Key="damaged/lite-int8/model.onnx", Body=b"another model")
    nobody = f"http://{proof.address}:{free_port(proof.address)}"
    for url, why, aws in (
        ("s3://models/damaged", "s3://models/damaged/lite-int8/model.onnx: sha256", {}),
        ("s3://models/faces", "s3://models/faces cannot be read", {"AWS_ENDPOINT_URL": nobody}),
    ):
        settings = {**proof.aws_variables, "AWS_DEFAULT_REGION": "us-east-1", "API_PUBLIC": "true", **aws}
        given = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
        options = ("--rm", "--name", f"{SERVICE}-unserved", *given, "-e", f"MODELS_DIR={url}")
        done = run("docker", "run", *options, f"{SERVICE}:{V1}", check=False)
        said = f"Cannot start: MODELS_DIR: {why}"
        demand(f"{said}...", done.returncode == 1 and said in done.stderr)


def refusals(proof: Proof) -> None:
    """What cannot be deployed is said before anything is sent."""
    for message, variables in (
        ("AWS_REGION is not set", {"AWS_REGION": "", "TAG": V1}),
        ("STAGE is not set", {"STAGE": "", "TAG": V1}),
        ("is no commit", {"TAG": "latest; reboot"}),
        ("push it first", {"TAG": "0" * 40}),
    ):
        done = proof.script("deploy.sh", check=False, **variables)
        assert done.returncode and message in done.stderr, done.stderr
    done = proof.script("rollback.sh", check=False)
    assert done.returncode and "no image before this one" in done.stdout, done
    demand(
        "deploy.sh names what is missing; rollback.sh has nothing to go back to",
        not docker("ps", "-aq", "--filter", f"name=^{SERVICE}-"),
    )


def first(proof: Proof) -> None:
    """A key, as docs/deploy.md makes it, and the first deployment."""
    proof.key = docker(
        *(
            "run",
            "--rm",
            "--network",
            "none",
            "--volume",
            f"{SERVICE}-state:/var/lib/face-parsing",
            f"{SERVICE}:{V1}",
        ),
        *("sh", "-c", "python manage.py migrate --verbosity 0 && python manage.py create_api_key proof"),
    ).splitlines()[-1]
    started = time.monotonic()
    done = proof.script("deploy.sh", TAG=V1)
    name, tag = proof.serving()
    demand(
        f"deploy.sh: v1 serves after {time.monotonic() - started:.0f} s",
        tag == V1 and "DEPLOYED" in done.stdout,
    )
    demand("the host reached it through the front", "does not answer" not in done.stdout)
    url = f"http://127.0.0.1:{proof.front}/api"
    allowed = {"Authorization": f"Api-Key {proof.key}"}
    answer = httpx.post(f"{url}/segment/", files={"image": photo_of(ROOT)}, headers=allowed, timeout=60)
    demand(
        "the sample through the front: its mask",
        answer.status_code == 200 and answer.content[:4] == b"\x89PNG",
    )
    demand("without a key: 401", httpx.post(f"{url}/segment/", content=b"x").status_code == 401)
    (model,) = httpx.get(f"{url}/models/", headers=allowed).json()
    sha256 = json.loads((ROOT / "ml_core/bundles/lite-int8/model.json").read_text())["sha256"]
    cached = docker("exec", name, "sh", "-c", "ls $MODELS_CACHE/*/lite-int8/*/model.onnx")
    demand(
        "its model came from the bucket, by sha256, and is kept on the volume",
        model["sha256"] == sha256 and cached,
    )
    host = json.loads(docker("inspect", name))[0]
    hardened = (
        host["HostConfig"]["ReadonlyRootfs"]
        and host["HostConfig"]["CapDrop"] == ["ALL"]
        and host["Config"]["User"]
    )
    demand("its container: read-only, no capabilities, not root", hardened)


def change(proof: Proof) -> None:
    """v1 -> v2 under load."""
    with proof.load() as load:
        started = time.time()
        done = proof.script("deploy.sh", TAG=V2)
        ended = time.time()
        time.sleep(2)
    load.report(f"v1 -> v2 under load in {ended - started:.0f} s")
    crossing = [row for row in load.answers if row[1] < ended and row[1] + row[2] > started and row[2] > 3]
    demand(f"{len(crossing)} of the requests took longer than 3 s while it happened", crossing)
    name, tag = proof.serving()
    demand(f"v2 serves, and has answered {proof.served(name)} requests", tag == V2 and proof.served(name))
    status = re.search(r"ended with (\d+)", done.stdout)
    demand("v1 was ended by SIGTERM, with 0", status and status[1] == "0")
    images = docker("image", "ls", "--format", "{{.Tag}}", f"{proof.registry}/{SERVICE}").split()
    demand("the images of v1 and v2 are kept on the host", set(images) == {V1, V2})


def undone(proof: Proof) -> None:
    """A v3 that never gets ready, because it ends or because it hangs, is rolled back by itself, under load."""
    for tag, why in ((ENDS, "ended by itself"), (HANGS, f"was not ready after {READY_TIMEOUT} s")):
        before = proof.serving()
        with proof.load() as load:
            done = proof.script("deploy.sh", check=False, TAG=tag)
            time.sleep(1)
        load.report(f"v3 that {why}, under load")
        said = why in done.stdout and f"NOT DEPLOYED: {V2} serves on" in done.stdout
        demand(
            "deploy.sh failed and said why; v2 has never stopped",
            done.returncode == 1 and said and proof.serving() == before,
        )
    demand("the log of the one that ended is shown", "no bundle 'absent'" in "".join(proof.outputs))
    left = docker("ps", "-a", "--filter", f"name=^{SERVICE}-", "--format", "{{.Names}}").split()
    demand("nothing of it is left", sorted(left) == sorted([before[0], f"{SERVICE}-front"]))


def back(proof: Proof) -> None:
    """rollback.sh: v2 -> v1 under load, without the registry; then a host that was cut off in the middle."""
    proof.registry_process.terminate()
    proof.registry_process.wait()
    with proof.load() as load:
        proof.script("rollback.sh")
        time.sleep(1)
    load.report("rollback.sh, v2 -> v1 under load, the registry gone")
    name, tag = proof.serving()
    demand("v1 serves", tag == V1)
    spare = f"{SERVICE}-green" if name.endswith("blue") else f"{SERVICE}-blue"
    volume = ("--volume", f"{SERVICE}-state:/var/lib/face-parsing")
    stops = ("--stop-signal", "SIGKILL")  # it would not hear SIGTERM
    docker("run", "-d", "--name", spare, "--network", SERVICE, *volume, *stops, f"{SERVICE}:{HANGS}")
    done = proof.script("rollback.sh")
    demand(
        "after one that was cut off: its container goes, v2 serves again",
        "cut off" in done.stdout and proof.serving()[1] == V2,
    )


def secrets_kept(proof: Proof) -> None:
    """No secret in what was sent, said or left."""
    said = "".join(proof.outputs + proof.aws.sent)
    demand("no secret in any command, parameter or output", SECRET not in said and proof.key not in said)
    left = [
        path
        for path in (proof.work / "host").rglob("*")
        if path.is_file() and SECRET in path.read_text(errors="replace")
    ]
    demand("no settings left on the host's disk", not left and not Path(f"/run/{SERVICE}-deploy").exists())


def main() -> None:
    """All parts in order."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    clean_up()
    proof = Proof(Path(sys.argv[1]))
    try:
        for part in (prepare, publish, push, unserved, refusals, first, change, undone, back, secrets_kept):
            say((part.__doc__ or "").strip())
            part(proof)
        say("the deployment is proved")
    finally:
        proof.registry_process.terminate()
        proof.aws.stop()
        clean_up()
        shutil.rmtree(proof.work / "images", ignore_errors=True)


if __name__ == "__main__":
    main()
