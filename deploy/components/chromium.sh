#!/bin/sh
# Runs the Chromium that fetch unpacked, with the libraries and fonts beside it.
root=$(cd "$(dirname "$0")/../root" && pwd) || exit 1
for libs in "$root"/usr/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu*/pulseaudio; do
	[ -d "$libs" ] && LD_LIBRARY_PATH=$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH XDG_DATA_HOME="$root/usr/share"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$root/etc/fonts"
exec "$root/usr/lib/chromium/chromium" "$@"
