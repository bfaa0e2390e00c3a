#!/bin/sh
# Installs packages on Debian and Ubuntu, as root, without the services of the same names that they would start
# now and at every boot: Pagepass runs private ones.
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
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
}
# The lists of packages may be missing or out of date.
install "$@" || { apt-get -o DPkg::Lock::Timeout=120 update; install "$@"; }

for package in "$@"; do
  if command -v systemctl > /dev/null; then
    systemctl disable "$package.service" || true
  fi
  # Where the machine has a policy-rc.d of its own that allows services, ours runs by now.
  if [ -d /run/systemd/system ]; then
    systemctl stop "$package.service" || true
  fi
done
