#!/bin/sh
# Installs redis-server on Debian and Ubuntu, as root, without the service on port 6379 that the package
# would start now and at every boot: Pagepass runs a private one.
set -e
export DEBIAN_FRONTEND=noninteractive

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi

install() {
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends redis-server
}
# The lists of packages may be missing or out of date.
install || { apt-get -o DPkg::Lock::Timeout=120 update; install; }

if command -v systemctl > /dev/null; then
  systemctl disable redis-server.service || true
fi
# Where the machine has a policy-rc.d of its own that allows services, ours runs by now.
if [ -d /run/systemd/system ]; then
  systemctl stop redis-server.service || true
fi
