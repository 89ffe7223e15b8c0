#!/usr/bin/env bash
# For a Debian machine without Docker, or without a container registry.
#   scripts/docker-debian.sh              starts a Docker engine with Compose v2 and Buildx (Debian's packages), as root
#   scripts/docker-debian.sh IMAGE ...    also makes stand-ins for public base images, under their public names, with debootstrap
# Known images: debian:trixie-slim, python:3.13-slim-trixie, node:20-trixie-slim. What is there already is left alone.
set -euo pipefail

declare -A PACKAGES=(
  [debian:trixie-slim]=ca-certificates
  [python:3.13-slim-trixie]=ca-certificates,python3,python3-venv,python3-pip
  [node:20-trixie-slim]=ca-certificates,nodejs,npm
)
say() { printf '[docker] %s\n' "$*" >&2; }
fail() { say "$*"; exit 2; }
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

for name in "$@"; do
  [[ -n ${PACKAGES[$name]:-} ]] || fail "no recipe for the image $name; known: ${!PACKAGES[*]}"
done

# the mirror that this machine already uses
mirror() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    grep -E '^(URIs:|deb )' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

need_root() {
  [[ $(id -u) == 0 ]] || fail "$1 needs root: run it with sudo"
  command -v apt-get >/dev/null || fail "this script is for Debian; install Docker by your system's own way"
}

engine() {
  if ! command -v dockerd >/dev/null; then
    need_root "installing the engine"
    say "installing docker.io"
    apt-get update -qq
    install docker.io iptables
  fi
  if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
    need_root "installing Compose and Buildx"
    say "installing Compose v2 and Buildx"
    if [[ $(. /etc/os-release && echo "$VERSION_CODENAME") == bookworm ]]; then
      # its own docker-compose is the retired v1: take the next release's, pinned so that nothing else moves
      echo "deb $(mirror) trixie main" >/etc/apt/sources.list.d/trixie-for-compose.list
      printf 'Package: *\nPin: release n=trixie\nPin-Priority: 50\n' >/etc/apt/preferences.d/trixie-for-compose
      apt-get update -qq
      install -t trixie docker-compose docker-buildx
    else
      apt-get update -qq
      install docker-compose docker-buildx
    fi
  fi
  docker info >/dev/null 2>&1 || start_engine
  say "engine $(docker version --format '{{.Server.Version}}'), compose $(docker compose version --short), buildx $(docker buildx version | awk '{print $2}')"
}

start_engine() {
  need_root "starting the engine"
  say "starting dockerd"
  setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  for _ in $(seq 120); do docker info >/dev/null 2>&1 && return; sleep 0.5; done
  say "no engine after 60 s; the end of /var/log/dockerd.log:"
  tail -n 20 /var/log/dockerd.log >&2
  exit 1
}

# A minimal Debian with this machine's CA bundle inside, so that apt and pip work during a build.
make_image() {
  local name=$1 root
  need_root "making base images"
  if ! command -v debootstrap >/dev/null; then apt-get update -qq; install debootstrap; fi
  root=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$root' '$root.log'" EXIT
  say "making $name"
  debootstrap --variant=minbase --include="${PACKAGES[$name]}" trixie "$root" "$(mirror)" >"$root.log" 2>&1 ||
    { tail -n 5 "$root.log" >&2; fail "debootstrap failed"; }
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  local tool
  for tool in python3 pip3 node npm; do # where the public images have them
    [[ ! -e $root/usr/bin/$tool ]] || ln -sf "/usr/bin/$tool" "$root/usr/local/bin/$tool"
  done
  [[ ! -e $root/usr/bin/python3 ]] || ln -sf /usr/bin/python3 "$root/usr/local/bin/python"
  [[ ! -e $root/usr/bin/pip3 ]] || ln -sf /usr/bin/pip3 "$root/usr/local/bin/pip"
  [[ $name != node:* ]] || chroot "$root" useradd --create-home --uid 1000 node
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/usr/share/doc "$root"/usr/share/locale
  tar -C "$root" -c . | docker import \
    -c 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PIP_BREAK_SYSTEM_PACKAGES=1' \
    -c 'CMD ["bash"]' - "$name" >/dev/null
  rm -rf "$root" "$root.log"
}

engine
for name in "$@"; do
  docker image inspect "$name" >/dev/null 2>&1 || make_image "$name"
done
