#!/usr/bin/env bash
# Deploy the previous image, which each host still has, in the same way as deploy.sh: side by side, no request lost. Run
# again, it goes forward again. Variables: those of deploy.sh except TAG.
set -euo pipefail
TAG=previous exec "$(dirname "$0")/deploy.sh"
