#!/bin/sh
# Makes a Debian 12 machine able to run onehop, and builds it. Idempotent: only what changed is done again.
#   tools/setup.sh           what running needs
#   tools/setup.sh --test    also what the tests need
#   tools/setup.sh --bench   also what the benchmark compares with
set -eu
cd "$(dirname "$0")/.."

RUN_PACKAGES="bpftool clang etcd-server ethtool iperf3 iproute2 iputils-ping libbpf-dev libbpf1 linux-libc-dev llvm tcpdump"
TEST_PACKAGES="etcd-client git nftables openssl procps prometheus python3 socat tshark"
BENCH_PACKAGES="openvswitch-switch"

say() { printf 'set-up: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

check_machine() {
  [ "$(uname -s)" = Linux ] || fail "onehop needs Linux; this is $(uname -s). Use a Debian 12 machine."
  [ "$(id -u)" = 0 ] || fail "onehop loads programs into the kernel and needs root; run the same command as root (sudo -i)."
  kernel=$(uname -r)
  major=${kernel%%.*}
  minor=${kernel#*.}
  minor=${minor%%[!0-9]*}
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 6 ]; }; then
    fail "Linux 6.6 or newer is needed, this is $kernel; install a newer kernel (Debian: linux-image-amd64 from bookworm-backports) and reboot."
  fi
  [ -s /sys/kernel/btf/vmlinux ] ||
    fail "the kernel has no BTF (/sys/kernel/btf/vmlinux is missing); boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are."
  command -v node >/dev/null || fail "Node.js 20 or newer is needed and there is none; install it, e.g. from nodejs.org."
  node_version=$(node -p 'process.versions.node')
  [ "${node_version%%.*}" -ge 20 ] || fail "Node.js 20 or newer is needed, this is $node_version; install a newer one, e.g. from nodejs.org."
}

missing_packages() {
  for package in $*; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

# Services of the packages (etcd, prometheus) are not wanted: onehop starts a private etcd of its own.
without_services() {
  policy=/usr/sbin/policy-rc.d
  ours=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    ours=1
  fi
  status=0
  "$@" >"$log" 2>&1 || status=$?
  [ -z "$ours" ] || rm -f "$policy"
  return $status
}

install_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(. /etc/os-release && echo "$ID $VERSION_ID")" != "debian 12" ]; then
    fail "this is not Debian 12, so packages are not installed by itself; install what corresponds to: $missing"
  fi
  say "installing $missing(Debian packages)"
  log=.cache/apt.log
  apt-get -o Acquire::http::Timeout=20 -o Acquire::Retries=2 update >"$log" 2>&1 || true # some source may fail; what counts is whether the packages can be had
  for package in $missing; do
    [ -n "$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -v '^(none)$')" ] ||
      fail "no package source has $package; enable Debian 12's main in /etc/apt/sources.list and check the network (details: $log)."
  done
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive without_services apt-get install -y --no-install-recommends $missing ||
    fail "apt-get could not install $missing; see $log, mend it and run the same command again."
}

hash_of() { sha256sum "$@" | sha256sum | cut -d' ' -f1; }

install_modules() {
  stamp=node_modules/.onehop
  want="$(hash_of package-lock.json) node $node_version"
  [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return 0
  say "installing npm packages (npm ci)"
  npm ci --no-fund --no-audit --loglevel=error >.cache/npm.log 2>&1 ||
    fail "npm ci failed; see .cache/npm.log. The npm registry must be reachable once."
  echo "$want" >"$stamp"
}

# Everything that goes into the objects and the bundle; tests and documents do not.
sources() {
  find packages tools -name node_modules -prune -o -name dist -prune -o -name test -prune -o -type f \
    \( -name '*.ts' -o -name '*.c' -o -name '*.h' -o -name package.json \) ! -name '*.test.ts' ! -name '*.gen.ts' -print |
    LC_ALL=C sort
}

build() {
  # shellcheck disable=SC2046
  want=$(hash_of package-lock.json $(sources))
  [ "$(cat .cache/built 2>/dev/null)" = "$want" ] && [ -s dist/onehop.mjs ] && return 0
  say "building the kernel's programs (clang) and the command (esbuild)"
  node --import tsx tools/build_bpf.ts >.cache/build.log 2>&1 || failed_build
  node --import tsx tools/build.ts >>.cache/build.log 2>&1 || failed_build
  echo "$want" >.cache/built
}
failed_build() {
  tail -n 40 .cache/build.log >&2
  fail "the build failed; the whole output is in .cache/build.log."
}

check_machine
mkdir -p .cache
exec 9>.cache/lock
flock -n 9 || {
  say "another set-up is at work here; waiting for it"
  flock 9
}
install_packages $RUN_PACKAGES
[ "${1:-}" != --test ] || install_packages $TEST_PACKAGES
[ "${1:-}" != --bench ] || install_packages $BENCH_PACKAGES
install_modules
build
