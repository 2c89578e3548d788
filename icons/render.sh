#!/bin/sh
# Renders the drawings in source/ to the PNG files the app embeds (RGBA, as Tauri demands).
# Needs rsvg-convert (Debian: librsvg2-bin) and ImageMagick.
set -eu
cd "$(dirname "$0")"

png() { # drawing pixels file
    rsvg-convert --width "$2" --height "$2" "source/$1.svg" | convert png:- -strip -define png:color-type=6 -define png:exclude-chunks=date,time "PNG32:$3"
}

png latchkey-small 32 32x32.png
png latchkey 128 128x128.png
png latchkey 256 128x128@2x.png
png latchkey 512 icon.png
convert 32x32.png 128x128.png 128x128@2x.png icon.ico
for state in signed-in-full signed-in-three-quarters signed-in-half signed-in-quarter waiting attention signed-out; do
    png "tray-$state" 44 "tray/$state.png"
done
