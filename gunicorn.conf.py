"""How gunicorn serves these pages, whoever starts it: `gunicorn app:app` reads this file, and so does app.py."""

from gunicorn.http import wsgi

worker_class = "gthread"
threads = 8
timeout = 120
loglevel = "warning"
# What is longer is answered by gunicorn itself, with 4xx: the first line, each header, and how many of them.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# Nobody's word is taken for who asks, how, or under which path: LAB_PROXIES says whose is, and the application reads it.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers = {}
# What serves here is nobody's business.
wsgi.SERVER = "web"
