#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --help, the manual page and bash completion of analyze name the same options.
set -u
srcdir=${srcdir:-.}
analyze=${ANALYZE:-./analyzer/analyze}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

fail()
{
	echo "$0: $*" >&2
	exit 1
}

# Every -x and --xyz that begins a word, one a line.
options()
{
	grep -oE "(^|[^A-Za-z0-9-])--?[A-Za-z][A-Za-z-]*" | grep -oE -- "--?[A-Za-z][A-Za-z-]*" | sort -u
}

"$analyze" --help >"$scratch/help" || fail "--help ends with status $?"
grep -E "^ +-" "$scratch/help" | grep -oE "^ +(-[A-Za-z], )?--[a-z-]+" | options >"$scratch/in-help"
sed -n '/^\.SH OPTIONS/,/^\.SH /p' "$srcdir/man/analyze.1" | grep -E "^\.BR? " | sed 's/\\-/-/g' |
	options >"$scratch/in-man"
sed -n 's/.*compgen -W "\(-.*\)/\1/p; /^\t\t\t--/p' "$srcdir/completion/analyze" |
	options >"$scratch/in-completion"

# The test itself must see options: three empty lists would agree too.
for option in -p --pid --stall --explain --before --threads --json --folded --color -h --help -V --version; do
	grep -qx -e "$option" "$scratch/in-help" || fail "--help does not name $option"
done
diff -u "$scratch/in-help" "$scratch/in-man" || fail "--help (-) and analyze.1 (+) differ"
diff -u "$scratch/in-help" "$scratch/in-completion" || fail "--help (-) and completion (+) differ"

# And the program takes what is named.
while read -r option; do
	case $option in
	-p | --pid) "$analyze" "$option" 1 --version ;;
	--stall) "$analyze" --stall 1s --version ;;
	--explain) "$analyze" --explain 1:2.5 --version ;;
	--before) "$analyze" --before a.dat --version ;;
	--color) "$analyze" --color never --version ;;
	*) "$analyze" "$option" --version ;;
	esac >"$scratch/output" 2>&1 || fail "$option is refused: $(cat "$scratch/output")"
done <"$scratch/in-help"

# Wrong usage: status 2, nothing on standard output, the problem and the hint on standard error.
for arguments in "" "--nonsense x" "a b" "--stall 5 x" "-p 0 x" "--json --folded x" \
	"--explain x x" "--explain 1:x x" "--explain 1 --before y x" "--folded --before y x" "--before y"; do
	# shellcheck disable=SC2086 # several arguments
	"$analyze" $arguments >"$scratch/output" 2>"$scratch/error"
	[ $? -eq 2 ] || fail "'analyze $arguments' does not end with status 2"
	[ -s "$scratch/output" ] && fail "'analyze $arguments' writes on standard output"
	[ "$(wc -l <"$scratch/error")" -eq 2 ] || fail "'analyze $arguments' says: $(cat "$scratch/error")"
	grep -q "^  See analyze --help" "$scratch/error" || fail "'analyze $arguments' gives no hint"
done
exit 0
