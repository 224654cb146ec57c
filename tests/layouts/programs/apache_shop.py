"""Apache with faults, and a CGI script that logs to its error log. Argument: the file of the truth."""

import base64
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from telling import Truth, events

PORT = 18099
HOME = Path("/opt/shop/apache")
CONFIG = f"""
ServerRoot {HOME}
ServerName shop.example
Listen 127.0.0.1:{PORT}
PidFile {HOME}/pid
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_host_module /usr/lib/apache2/modules/mod_authz_host.so
LoadModule cgi_module /usr/lib/apache2/modules/mod_cgi.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
ErrorLog {HOME}/error.log
LogLevel info
DocumentRoot {HOME}/www
ScriptAlias /cgi/ {HOME}/cgi/
ProxyPass /down http://127.0.0.1:9/
<Directory {HOME}/cgi>
Require all granted
</Directory>
<Directory {HOME}/www>
Require all granted
</Directory>
<Location /denied>
Require all denied
</Location>
"""


def get(path: str) -> None:
    """Ask for a page; what it answers is of no interest."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10).read()
    except urllib.error.URLError:
        pass


def main() -> None:
    """Run Apache, ask it for what fails, and print its error log."""
    for name in ("www", "cgi"):
        (HOME / name).mkdir(parents=True, exist_ok=True)
    (HOME / "httpd.conf").write_text(CONFIG)
    script = HOME / "cgi/shop"
    script.write_text(
        '#!/bin/bash\necho "$QUERY_STRING" | base64 -d >&2\necho "Content-Type: text/plain"\necho\n'
    )
    script.chmod(0o755)
    command = ["/usr/sbin/apache2", "-f", str(HOME / "httpd.conf")]
    subprocess.run([*command, "-k", "start"], check=True)
    time.sleep(1)
    truth = Truth(sys.argv[1])
    for event in events():
        given = {"id": "-", "type": "-", "failure": "-", "trace": "-"}
        if event.n % 3 == 0:
            # Apache writes quotes and letters beyond ASCII of a script escaped.
            text = f"payment {event.n} declined: gateway says 51"

            logged = f"AH01215: stderr from {script}: {text}"
            truth.note(event, **{**given, "severity": "error", "logger": "cgi", "message": logged})
            get(f"/cgi/shop?{base64.b64encode(text.encode()).decode()}")
        elif event.n % 3 == 1:
            logged = f"AH01630: client denied by server configuration: {HOME}/www/denied"
            truth.note(event, **{**given, "severity": "error", "logger": "authz_core", "message": logged})
            get("/denied")
        else:
            logged = "(111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:9 (127.0.0.1:9) failed"
            truth.note(event, **{**given, "severity": "error", "logger": "proxy", "message": logged})
            get("/down")
            time.sleep(0.01)
    subprocess.run([*command, "-k", "stop"], check=True)
    time.sleep(1)
    print((HOME / "error.log").read_text(), end="")


if __name__ == "__main__":
    os.umask(0o022)
    main()
