#!/usr/bin/env bash
# usage: scripts/install_codex_synth.sh [--uninstall] [FOLDER]
# Links codex-synth and oneshot into FOLDER (~/.local/bin), and says what to add to PATH. Twice does no harm; --uninstall removes the links.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
remove=
[[ ${1:-} != --uninstall ]] || { remove=1; shift; }
[[ $# -le 1 && ${1:-} != -* ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
folder=${1:-$HOME/.local/bin}
[[ -n $remove ]] || make --silent --directory "$root" .venv/.ready
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
for name in codex-synth oneshot; do
  link=$folder/$name program=$root/.venv/bin/$name
  if [[ -L $link && $(readlink "$link") == */.venv/bin/$name ]]; then
    rm "$link"  # ours, of this checkout or of another
  elif [[ -e $link || -L $link ]]; then
    [[ -n $remove ]] || { echo "$link is there already and is not ours; remove it, or name another folder" >&2; exit 2; }
    continue
  fi
  [[ -n $remove ]] || ln -s "$program" "$link"
done
if [[ -n $remove ]]; then
  echo "codex-synth and oneshot are gone from $folder"
  exit
fi
echo "codex-synth and oneshot are in $folder"
case :$PATH: in
  *:$folder:*) echo "next: codex-synth, in any repository" ;;
  *) printf 'next: add them to PATH, in ~/.bashrc or ~/.zshrc, and open a new shell:\n  export PATH="%s:$PATH"\n' "$folder" ;;
esac
