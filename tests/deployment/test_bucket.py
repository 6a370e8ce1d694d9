"""A model in a bucket: how it gets there, and what the service says when it cannot be used."""

from tests.deployment.conftest import Done
from tests.deployment.stage import Stage
from tests.engine import free_port

BUNDLE = "lite-int8"


def test_publish_model_puts_the_bundle_into_the_bucket(stage: Stage, publications: list[Done]) -> None:
    assert "is published" in publications[0].stdout, publications[0]
    objects = stage.aws.client("s3").list_objects_v2(Bucket="models", Prefix=f"faces/{BUNDLE}/")["Contents"]
    assert f"faces/{BUNDLE}/model.onnx" in {row["Key"] for row in objects}


def test_publishing_it_again_changes_nothing(publications: list[Done]) -> None:
    assert "Nothing to do" in publications[1].stdout, publications[1]


def test_a_model_that_is_not_what_its_card_says_stops_the_start(
    stage: Stage, publications: list[Done]
) -> None:
    bucket = stage.aws.client("s3")
    for row in bucket.list_objects_v2(Bucket="models", Prefix=f"faces/{BUNDLE}/")["Contents"]:
        copy = row["Key"].replace("faces/", "damaged/")
        bucket.copy_object(Bucket="models", Key=copy, CopySource=f"models/{row['Key']}")
    bucket.put_object(Bucket="models", Key=f"damaged/{BUNDLE}/model.onnx", Body=b"another model")
    done = stage.run_image(API_PUBLIC="true", MODELS_DIR="s3://models/damaged")
    said = f"Cannot start: MODELS_DIR: s3://models/damaged/{BUNDLE}/model.onnx: sha256"
    assert done.returncode == 1 and said in done.stderr


def test_a_bucket_that_cannot_be_reached_stops_the_start(stage: Stage, publications: list[Done]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = stage.run_image(API_PUBLIC="true", MODELS_DIR="s3://models/faces", AWS_ENDPOINT_URL=nobody)
    said = "Cannot start: MODELS_DIR: s3://models/faces cannot be read"
    assert done.returncode == 1 and said in done.stderr
