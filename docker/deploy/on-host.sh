#!/usr/bin/env bash
# Deploy an image on a host: on-host.sh TAG, or "previous" for the image before. The SSM document (document.json.tftpl)
# writes this file and docker/Caddyfile to HOST_DIR and runs it as root with the settings below.
#
# There are two slots, blue and green, behind one front. The new container starts in the free slot. The front requests
# /readyz of both every second and sends requests only to a ready one. Once the new container is ready, the old one is
# told to report itself not ready, so it gets no more requests, and is stopped once it has answered those in flight. The
# front is never reloaded. A new container that is not ready in time is removed; the old one has served throughout.
#
#   SERVICE, STAGE, AWS_REGION, REGISTRY, REPOSITORY   as in terraform
#   DOMAIN           the name that the front serves (with certificates by ACME), or :80 behind a balancer
#   TRUSTED_PROXIES  whose X-Forwarded-* the front trusts: nobody's by default, or the balancer's addresses
#   MODELS_DIR       s3://... to serve other bundles than the image's
#   LOG_GROUP        in CloudWatch; without it logs stay on the host
#   MAX_BODY MAX_BATCH_BODY MAX_JOB_BODY UPLOAD_TIMEOUT REQUEST_BUFFERS   the front's limits, see docker/Caddyfile
#   HOST_DIR HTTP_PORT HTTPS_PORT FRONT_IMAGE READY_TIMEOUT STOP_TIMEOUT MEMORY   see below
#
# The service's other settings are SSM parameters /SERVICE/STAGE/NAME; SECRET_KEY must be one of them.
set -euo pipefail
umask 077

tag=${1:?a commit, or previous}
: "${SERVICE:?}" "${STAGE:?}" "${AWS_REGION:?}" "${REGISTRY:?}" "${REPOSITORY:?}" "${DOMAIN:?}"
HOST_DIR=${HOST_DIR:-/var/lib/face-parsing}
STOP_TIMEOUT=${STOP_TIMEOUT:-75} # longer than the service's BODY_TIMEOUT, so that a slow upload in flight is answered
export AWS_DEFAULT_REGION=$AWS_REGION
image=$REGISTRY/$REPOSITORY
front=$SERVICE-front

say() { printf '%s %s\n' "$(date +%T)" "$*"; }
fail() { say "$*"; exit 1; }
keep() { printf '%s\n' "$2" >"$HOST_DIR/.$1" && mv "$HOST_DIR/.$1" "$HOST_DIR/$1"; }
kept() { cat "$HOST_DIR/$1" 2>/dev/null || true; }
exists() { docker container inspect "$1" >/dev/null 2>&1; }

# The service's settings: SSM's parameters, and defaults for those not set. Values are written to this file alone
write_settings() {
  local file=$1 path=/$SERVICE/$STAGE name value
  aws ssm get-parameters-by-path --path "$path" --recursive --with-decryption \
    --query 'Parameters[].[Name,Value]' --output text >"$file.raw" || fail "the parameters $path cannot be read"
  while IFS=$'\t' read -r name value; do
    [[ $name == None || -z $name ]] && continue
    [[ $name =~ ^$path/[A-Z][A-Z0-9_]*$ && -n $value ]] || fail "parameters below $path must be NAME with one line of text; one is not"
    printf '%s=%s\n' "${name##*/}" "$value"
  done <"$file.raw" >"$file"
  grep -q '^SECRET_KEY=' "$file" || fail "the parameter $path/SECRET_KEY is missing (a SecureString)"
  [[ $DOMAIN != :* ]] || grep -q '^ALLOWED_HOSTS=' "$file" || fail "the parameter $path/ALLOWED_HOSTS is missing: DOMAIN=$DOMAIN names none"
  for value in ENVIRONMENT=production "ALLOWED_HOSTS=$DOMAIN" PROXY_SSL_HEADER=X-Forwarded-Proto NUM_PROXIES=1 \
    "STOP_TIMEOUT=$STOP_TIMEOUT" "AWS_DEFAULT_REGION=$AWS_REGION" ${MODELS_DIR:+"MODELS_DIR=$MODELS_DIR"}; do
    grep -q "^${value%%=*}=" "$file" || printf '%s\n' "$value" >>"$file"
  done
}

pull() {
  docker image inspect "$image:$tag" >/dev/null 2>&1 && return
  DOCKER_CONFIG=$work/docker
  export DOCKER_CONFIG
  aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" >/dev/null 2>&1 ||
    fail "$REGISTRY refuses the login"
  docker pull --quiet "$image:$tag"
}

# Created once, and again only when its files or settings change, since nothing is answered for about a second then
start_front() {
  local settings made_of name
  install -d -m 0755 "$HOST_DIR/front"
  made_of=(
    --network "$SERVICE" --read-only --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges
    --memory 2g --memory-swap 2g --pids-limit 256 --ulimit core=0
    --env "DOMAIN=$DOMAIN" --env "UPSTREAM=$SERVICE-blue:8000 $SERVICE-green:8000"
    --env "TRUSTED_PROXIES=${TRUSTED_PROXIES:-127.0.0.0/8}"
    --env XDG_DATA_HOME=/data --env XDG_CONFIG_HOME=/config
  )
  for name in MAX_BODY MAX_BATCH_BODY MAX_JOB_BODY UPLOAD_TIMEOUT REQUEST_BUFFERS; do
    if [[ -n ${!name:-} ]]; then made_of+=(--env "$name=${!name}"); fi
  done
  local caddy=("${FRONT_IMAGE:-caddy:2}" caddy) config=(--config /etc/caddy/Caddyfile --adapter caddyfile)
  settings=$({ cat "$HOST_DIR/Caddyfile"; echo "${made_of[@]}" "${caddy[@]}" "${log[@]}" "${HTTP_PORT:-}" "${HTTPS_PORT:-}"; } | sha256sum)
  [[ $(docker container inspect -f '{{.State.Running}} {{.Config.Labels.settings}}' "$front" 2>/dev/null) == "true $settings" ]] && return
  docker network inspect "$SERVICE" >/dev/null 2>&1 || docker network create "$SERVICE" >/dev/null
  docker run --rm "${made_of[@]}" --tmpfs /data --tmpfs /config --volume "$HOST_DIR/Caddyfile:/etc/caddy/Caddyfile:ro" \
    "${caddy[@]}" validate "${config[@]}" >"$work/validate" 2>&1 || fail "the front refuses its Caddyfile: $(tail -3 "$work/validate")"
  docker stop -t 30 "$front" >/dev/null 2>&1 || true
  docker rm -f "$front" >/dev/null 2>&1 || true
  install -m 0644 "$HOST_DIR/Caddyfile" "$HOST_DIR/front/Caddyfile"
  docker run -d --name "$front" --label "settings=$settings" --restart unless-stopped "${made_of[@]}" "${log[@]}" \
    --publish "${HTTP_PORT:-80}:80" --publish "${HTTPS_PORT:-443}:443" \
    --volume "$HOST_DIR/front:/etc/caddy:ro" --volume "$SERVICE-front-data:/data" --volume "$SERVICE-front-config:/config" \
    "${caddy[@]}" run "${config[@]}" >/dev/null
  say "the front is new"
}

start_new() {
  docker run -d --name "$new" --network "$SERVICE" --env-file "$work/settings" --label "revision=$tag" \
    --read-only --tmpfs /tmp:size=64m,mode=1777 --cap-drop ALL --security-opt no-new-privileges \
    --pids-limit 4096 --ulimit core=0 ${MEMORY:+--memory "$MEMORY" --memory-swap "$MEMORY"} --stop-timeout $((STOP_TIMEOUT + 5)) "${log[@]}" \
    --volume "$SERVICE-state:/var/lib/face-parsing" "$image:$tag" >/dev/null
}

# Wait until the new container answers /readyz. Fails at the deadline, or as soon as the container exits
wait_until_ready() {
  local address deadline=$((SECONDS + ${READY_TIMEOUT:-120}))
  while ((SECONDS < deadline)); do
    [[ $(docker container inspect -f '{{.State.Running}}' "$new") == true ]] || { say "$new ended by itself"; return 1; }
    address=$(docker container inspect -f "{{(index .NetworkSettings.Networks \"$SERVICE\").IPAddress}}" "$new")
    [[ $(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$address:8000/readyz") == 200 ]] && return
    sleep 0.5
  done
  say "$new was not ready after ${READY_TIMEOUT:-120} s"
  return 1
}

drain() { docker exec "$1" sh -c ': >"$RUN_DIR/draining"'; }
undrain() { docker exec "$1" sh -c 'rm -f "$RUN_DIR/draining"'; }

# Remove a container that may have requests: it gets no more and answers those in flight first
retire() {
  if drain "$1"; then sleep 5; fi
  docker stop -t $((STOP_TIMEOUT + 5)) "$1" >/dev/null || true
  docker rm -f "$1" >/dev/null
}

# Whether the front reaches a ready container
front_answers() {
  local scheme=https port=${HTTPS_PORT:-443} host=$DOMAIN
  if [[ $DOMAIN == :* ]]; then scheme=http port=${HTTP_PORT:-80} host=localhost; fi
  port=${port##*:} # may be ADDRESS:PORT, as docker takes it
  [[ $(curl -sk -m 15 -o /dev/null -w '%{http_code}' --resolve "$host:$port:127.0.0.1" "$scheme://$host:$port/readyz") == 200 ]]
}

# On any failure before the new container has taken over: it is removed, and the old one serves
undo() {
  trap - EXIT
  if exists "$old"; then
    undrain "$old" || true
    keep live "$old"
  fi
  if exists "$new"; then
    say "the last lines of $new:"
    docker logs --tail 40 "$new" 2>&1 | tail -c 6000
    if [[ -n ${ready:-} ]]; then
      sleep 3 # until the front has seen that the old one is ready
      retire "$new"
    else
      docker rm -f "$new" >/dev/null
    fi
  fi
  if exists "$old"; then say "NOT DEPLOYED: $(kept current) serves on"; else say "NOT DEPLOYED: nothing was served before"; fi
  rm -rf "$work"
  exit 1
}

mkdir -p "$HOST_DIR"
exec 9>"$HOST_DIR/.lock"
flock -n 9 || fail "another deployment is under way on this host"
work=/run/$SERVICE-deploy # in memory; a run that was killed leaves it behind
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
log=(--log-opt max-size=10m --log-opt max-file=3)
if [[ -n ${LOG_GROUP:-} ]]; then
  log=(--log-driver awslogs --log-opt "awslogs-group=$LOG_GROUP" --log-opt "awslogs-region=$AWS_REGION")
fi

if [[ $tag == previous ]]; then
  tag=$(kept previous)
  [[ -n $tag ]] || fail "there is no image before this one on this host"
fi
old=$(kept live)
new=$SERVICE-blue
if [[ $old == "$new" ]]; then new=$SERVICE-green; fi
if exists "$new"; then
  say "$new is left from a deployment that was cut off: removed"
  if exists "$old" && undrain "$old"; then sleep 3; fi
  retire "$new" 2>/dev/null
fi

say "$(hostname): $(kept current) -> $tag"
write_settings "$work/settings"
pull
start_front
front_answered=$(front_answers && echo yes || echo no)
trap undo EXIT
trap 'exit 1' TERM INT HUP
start_new
wait_until_ready || exit 1
ready=yes
say "$new is ready"
if exists "$old"; then
  sleep 3 # the front checks every second: it has seen the new one by now
  keep live "$new"
  drain "$old"
  sleep 5 # until the front has seen the draining: a check per second, each answered within three
  if [[ $front_answered == yes ]] && ! front_answers; then
    say "the front does not reach $new"
    exit 1
  fi
fi
docker update --restart unless-stopped "$new" >/dev/null
keep live "$new"
trap 'rm -rf "$work"' EXIT

if exists "$old"; then
  docker stop -t $((STOP_TIMEOUT + 5)) "$old" >/dev/null
  say "$old ended with $(docker container inspect -f '{{.State.ExitCode}}' "$old")"
  docker rm "$old" >/dev/null
fi
if [[ $front_answered == no ]]; then
  sleep 3
  front_answers || say "the front does not answer for $DOMAIN yet: does its name lead to this host?"
fi
if [[ $(kept current) != "$tag" ]]; then
  if [[ -n $(kept current) ]]; then keep previous "$(kept current)"; fi
  keep current "$tag"
fi
docker image ls --format '{{.Tag}}' "$image" | while read -r other; do
  if [[ $other != "$tag" && $other != "$(kept previous)" ]]; then docker image rm "$image:$other" >/dev/null || true; fi
done
say "DEPLOYED: $tag serves; kept for a rollback: $(cat "$HOST_DIR/previous" 2>/dev/null || echo none)"
