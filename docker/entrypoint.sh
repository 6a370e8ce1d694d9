#!/bin/sh
# serve          migrate the database, then exec gunicorn, so that it gets SIGTERM
# manage ...     migrate the database, then exec manage.py with these arguments
# anything else  is executed unchanged
set -eu

case ${1:-serve} in
  serve | manage) ;;
  *) exec "$@" ;;
esac

# One migration at a time: containers that start together may share this volume
if [ -w "$STATE_DIR" ]; then
  exec 9>"$STATE_DIR/.migrate.lock"
  flock 9
fi
# Without Django's checks: they load the whole service, which gunicorn is about to do anyway
python manage.py migrate --skip-checks --verbosity 0
exec 9>&-

if [ "${1:-serve}" = serve ]; then
  exec gunicorn -c backend/server/config.py backend.wsgi
fi
shift
exec python manage.py "$@"
