#!/usr/bin/env bash
# Post the sample to the service of `docker compose up --detach --wait` and compare its answer with the mask in samples/.
#
#   URL    http://localhost:8000
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/common.sh"
cd "$here/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl -fsS -F image=@samples/astronaut.jpg "${URL:-http://localhost:8000}/api/segment/" -o "$work/mask.png" ||
  fail "no mask of the sample"
# compared in the service's container, which has numpy and Pillow
cat "$work/mask.png" samples/astronaut-mask.png | docker compose exec -T api python -c '
import io, sys
import numpy as np
from PIL import Image

signature = b"\x89PNG\r\n\x1a\n"
got, expected = (
    np.asarray(Image.open(io.BytesIO(signature + body)).convert("RGB"))
    for body in sys.stdin.buffer.read().split(signature)[1:]
)
equal = (got == expected).all(axis=2).mean() if got.shape == expected.shape else 0
print(f"the mask equals samples/astronaut-mask.png on {equal:.2%} of its pixels")
sys.exit(int(equal < 0.99))
'
