#!/usr/bin/env bash
# Go back to the image that was served before, as deploy.sh goes forward: side by side, no request lost. Each host
# still has that image. Once more goes forward again. Variables: those of deploy.sh but TAG.
set -euo pipefail
TAG=previous exec "$(dirname "$0")/deploy.sh"
