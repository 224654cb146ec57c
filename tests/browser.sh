#!/bin/sh
# Have Debian's chromium for the browser tests; never a browser that a test tool downloads.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0
elif command -v sudo >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    sudo apt-get update -qq && sudo apt-get install -y -qq chromium >/dev/null && exit 0
fi
echo "The browser tests need chromium on the PATH; install it with your system's packages." >&2
exit 1
