# shellcheck shell=bash disable=SC2034
# The Debian packages Pharos is built with, and how they get here. Sourced by ./run, ./test and .ci/run.

PHAROS_PACKAGES=(
  g++ cmake ninja-build ccache pkg-config
  libboost1.81-dev libboost-filesystem1.81-dev libboost-json1.81-dev
  libgrpc++-dev libgrpc-dev libprotobuf-dev libnghttp2-dev libc-ares-dev zlib1g-dev libssl-dev
  liblmdb-dev libtomlplusplus-dev libspdlog-dev libfmt-dev libcli11-dev libjemalloc-dev
)
PHAROS_TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev redis-tools dnsmasq-base)
PHAROS_FUZZ_PACKAGES=(clang libclang-rt-14-dev)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "FAILED: $*"; exit 1; }

# missing_packages NAME... prints those that are not installed.
missing_packages() {
  local p
  for p in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || printf '%s\n' "$p"
  done
}

# install_packages NAME... installs what is missing; silent when nothing is.
install_packages() {
  local missing log root=()
  command -v dpkg-query >/dev/null || fail "this is not a Debian system; install what tools/packages.sh lists by hand, then build with: cmake --preset release"
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing and there is no sudo: ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  log=$(mktemp)
  if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
    # The usual cause is an old package list.
    if ! { "${root[@]}" apt-get update -q && "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } >>"$log" 2>&1 </dev/null; then
      tail -n 30 "$log" >&2
      fail "apt-get could not install: ${missing[*]} (whole log: $log)"
    fi
  fi
  rm -f "$log"
}

# build PRESET DIR TARGETS [CMAKE FLAGS...] configures when needed and builds; silent when all is up to date, prints the
# whole output on a failure. Progress goes to the terminal when there is one.
build() {
  local preset=$1 dir=$2 targets=$3 log rc=0
  shift 3
  log=$(mktemp)
  if [ ! -f "$dir/build.ninja" ] || [ $# -gt 0 ]; then
    cmake --preset "$preset" "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; fail "cmake --preset $preset"; }
  fi
  # shellcheck disable=SC2086
  if [ -t 2 ]; then
    ninja -C "$dir" $targets >&2 </dev/null || rc=$?
  else
    ninja -C "$dir" $targets >"$log" 2>&1 </dev/null || { rc=$?; grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)' "$log" >&2; }
  fi
  rm -f "$log"
  [ $rc = 0 ] || fail "the build of $targets (preset $preset)"
}
