"""Jobs over HTTP: many photos in one zip or bucket, parsed by workers (`manage.py db_worker`). Off unless JOBS=true."""
