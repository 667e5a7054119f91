# How the scripts talk: progress on stderr, colours on a terminal only.
# shellcheck shell=bash

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' plain=''
fi
# Not every script that sources this uses every colour.
: "$bold" "$dim" "$green"

say() {
    printf '%s\n' "$*" >&2
}

die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}
