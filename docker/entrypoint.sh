#!/bin/sh
# serve          bring the database up to date, then become gunicorn, so that SIGTERM reaches it
# manage ...     the same, then manage.py with these arguments
# anything else  is run as it is
set -eu

case ${1:-serve} in
  serve | manage) ;;
  *) exec "$@" ;;
esac

# One at a time: containers that start together may share this volume
if [ -w "$STATE_DIR" ]; then
  exec 9>"$STATE_DIR/.migrate.lock"
  flock 9
fi
# The checks load all of the service, which gunicorn is about to do anyway
python manage.py migrate --skip-checks --verbosity 0
exec 9>&-

if [ "${1:-serve}" = serve ]; then
  exec gunicorn -c backend/server/config.py backend.wsgi
fi
shift
exec python manage.py "$@"
