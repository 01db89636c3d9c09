#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SNPNV SNPNV-PARAVISOR BUILD_DIR: an image for a Cortex-M33 without an operating system collects a fresh report
# from a recording and verifies it, in QEMU, with a trimmed Mbed TLS; one without cryptography says that it cannot.
# Prints "IMAGE text data stack-to-collect stack-to-verify" in octets. The programs named make the recording.
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$3" || exit 1
build=$(cd "$3" && pwd)
. "$root/tests/tools/lib.sh"
here=$root/tests/bare_metal
processor=(-mcpu=cortex-m33 -mthumb -Os -ffunction-sections -fdata-sections -Wall -Wextra)
# What verifies evidence and nothing else; little memory; and no random numbers, since nothing multiplies by a secret.
mbedtls=(-DSNPNV_NO_TLS -DMBEDTLS_ECP_WINDOW_SIZE=2 -DMBEDTLS_ECP_FIXED_POINT_OPTIM=0 -DMBEDTLS_ECP_NO_INTERNAL_RNG)

quietly() { "$@" >"$build/log" 2>&1 || { cat "$build/log" >&2; exit 1; }; }
source=$build/debian/root
quietly "$root/tools/from_debian.sh" "$build/debian" bookworm source mbedtls
mkdir -p "$build/include" "$build/objects"
cp -r "$source/include/." "$build/include"
cp "$root/packaging/smallest/mbedtls_config.h" "$build/include/mbedtls/config.h"
for file in "$source"/library/*.c; do
  echo "-o $build/objects/$(basename "$file" .c).o $file"
done | quietly xargs -P "$(nproc)" -L 1 arm-none-eabi-gcc "${processor[@]}" "${mbedtls[@]}" -c -I"$build/include" \
  -I"$source/library"

image() { # NAME OPTION...
  quietly arm-none-eabi-gcc "${processor[@]}" -c "$here/start.c" -o "$build/start.o"
  quietly arm-none-eabi-g++ "${processor[@]}" -std=c++23 -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wconversion -Werror \
    "${mbedtls[@]}" -I"$root" -I"$root/include" -isystem "$build/include" -c "$here/main.cpp" -o "$build/$1.o" "${@:2}"
  quietly arm-none-eabi-g++ "${processor[@]}" -nostartfiles --specs=nano.specs --specs=rdimon.specs -T "$here/image.ld" \
    -Wl,--gc-sections "$build/start.o" "$build/$1.o" "$build"/objects/*.o -o "$build/$1"
}
image real
image fake -DSNPNV_NO_CRYPTO

user_data user "bare metal"
start_paravisor --refresh on-write --interval-ms 0
check "a recording" exits 0 "$snpnv" -T "record:recording=$SNPNV_TCTI" report report user
stop_paravisor
for name in ark ask vcek; do openssl x509 -in "$state/$name.pem" -outform der -out "$name.der"; done
printf 2025-06-01T00:00:00Z >at

boots() { # STATUS IMAGE: ends so by itself
  exits "$1" timeout --foreground 120 qemu-system-arm -M mps2-an505 -nodefaults -nographic \
    -semihosting-config enable=on,target=native -kernel "$build/$2"
}
stack() { sed -n "s/^stack to $1: //p" out; }
sizes() { arm-none-eabi-size "$build/$1" | awk 'NR == 2 { print $1, $2 + $3 }'; }
check "the image ends with success" boots 0 real
check "its report is fresh" grep -qx 'report: fresh' out
check "and verified" grep -qx 'verdict: VERIFIED' out
echo "real $(sizes real) $(stack collect) $(stack verify)"
cp -- recording whole
head -c -200 whole | head -n -1 >recording
check "half a recording is an error" boots 1 real
cp whole recording
printf '\377' | dd of=vcek.der bs=1 seek=600 conv=notrunc status=none
check "another certificate is rejected" boots 1 real
check "by its name" grep -q '^verdict: chain' out
check "without cryptography nothing is fresh" boots 1 fake
check "and said so" grep -qx 'report: crypto_failed' out
check "the library's own code is as large as documented" "$root/tests/size/code.sh"
summary
