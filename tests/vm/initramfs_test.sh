#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A kernel boots with an initramfs that attests it, made by dracut, by dracut with systemd or by
# initramfs-tools, on the emulated paravisor; the host verifies what the guest left. Then without a TPM,
# with one that stays stale and one that is silent. And with a root whose key only the emulated key broker has.
#   tests/vm/initramfs_test.sh dracut|systemd|initramfs-tools BUILD-DIR
. "$(dirname "$0")/lib.sh"
flavour=$1
build=$(cd "$2" && pwd)
tests=$(cd "$(dirname "$0")" && pwd)
snpnv=$build/tools/snpnv
paravisor=$build/tools/snpnv-paravisor
[ "$(id -u)" -eq 0 ] || skip "making an initramfs needs root, for chroot"
export XDG_RUNTIME_DIR=$work

# --- the images ---

# Files of the Debian with links to those of fetch.sh, so that each test has its own.
cp -al "$dir/root" "$work/root" || skip "no links in $dir"
root=$work/root
kernel=$(ls "$root/lib/modules")
rm "$root/etc/dracut.conf.d/11-ifcfg.conf"  # would want a network in every image
# What an installation of the Debian would have done.
chroot "$root" depmod "$kernel"
mkdir -p "$root"/{dev,var/tmp,tmp,etc/snpnv}
ln -sf /proc/self/mounts "$root/etc/mtab"
DESTDIR=$root cmake --install "$build" --component initramfs --prefix /usr >"$work/install" || exit 1
# cryptsetup's hook would be in every image.
mv "$root/usr/share/initramfs-tools/hooks/cryptroot" "$root/"
rm -f "$root/usr/bin/snpnv"
install -s "$snpnv" "$root/usr/bin/snpnv"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || skip "no device nodes can be made here"
[ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
[ -e "$root/dev/random" ] || mknod -m 666 "$root/dev/random" c 1 8
[ -e "$root/dev/console" ] || mknod -m 600 "$root/dev/console" c 5 1
cat >"$root/usr/bin/test-hook" <<'EOF'
#!/bin/sh
echo "hook got $1"
[ -s "$1" ]
EOF
cat >"$root/usr/bin/refusing-hook" <<'EOF'
#!/bin/sh
exit 9
EOF
chmod +x "$root"/usr/bin/*-hook
# In an image with $extra: a network, crypttab, and snpnv that trusts the emulated root where it fetches, which has no
# end of its own where the command line says so. With initramfs-tools the command line is measured, as a loader does it.
extra=
cat >"$root/usr/bin/test-snpnv" <<'EOF'
#!/bin/sh
read -r line < /proc/cmdline
all=$*
case $line in *test.endless*) set -- ${all% --timeout *} --timeout 3600 ;; esac
case " $* " in *' fetch '* | *' kbs '*) set -- "$@" --root /etc/ark.pem ;; esac
exec /usr/bin/real-snpnv "$@"
EOF
chmod +x "$root/usr/bin/test-snpnv"
cat >"$root/etc/initramfs-tools/hooks/test" <<'EOF'
#!/bin/sh
[ "${1-}" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
[ ! -x /usr/bin/real-snpnv ] || copy_exec /usr/bin/real-snpnv
[ ! -e /etc/ark.pem ] || copy_file test /etc/ark.pem
EOF
cat >"$root/measure" <<'EOF'
#!/bin/sh
[ "${1-}" != prereqs ] || exit 0
digest=$(sha256sum /proc/cmdline | sed 's/ .*//; s/../\\x&/g')
# TPM2_PCR_Extend of PCR 12 with an empty password: one digest, of SHA-256.
exec 3<> /dev/tpm0
printf '\x80\2\0\0\0\x41\0\0\1\x82\0\0\0\x0c\0\0\0\11\x40\0\0\11\0\0\0\0\0\0\0\0\1\0\x0b%b' "$digest" >&3
head -c 10 <&3 > /dev/null
EOF
chmod +x "$root/measure" "$root/etc/initramfs-tools/hooks/test"
with_extra() { # ROOT-OF-CRYPTTAB
  mv "$root/usr/bin/snpnv" "$root/usr/bin/real-snpnv"
  mv "$root/usr/bin/test-snpnv" "$root/usr/bin/snpnv"
  mv "$root/cryptroot" "$root/usr/share/initramfs-tools/hooks/"
  mv "$root/measure" "$root/usr/share/initramfs-tools/scripts/init-top/"
  cp "$certs/ark.pem" "$root/etc/ark.pem"
  cp "$tests/../pki/https/ca.pem" "$root/etc/snpnv/kbs-ca.pem"
  echo "root UUID=$uuid $1" >"$root/etc/crypttab"
  # shellcheck disable=SC2016 # dracut reads it
  echo 'install_items+=" /usr/bin/real-snpnv /etc/ark.pem /etc/crypttab "' >"$root/etc/dracut.conf.d/test.conf"
  extra="virtio_net"
}

# image NAME LINE...: an initramfs with these lines in initramfs.conf; with the VCEK, if $vcek is one.
image() {
  local name=$1
  shift
  printf '%s\n' "$@" >"$root/etc/snpnv/initramfs.conf.new"
  mv "$root/etc/snpnv/initramfs.conf.new" "$root/etc/snpnv/initramfs.conf"
  rm -f "$root/etc/snpnv/vcek.pem"
  [ -z "$vcek" ] || cp "$vcek" "$root/etc/snpnv/vcek.pem"
  case $flavour in
    initramfs-tools)
      sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=gzip/' "$root/etc/initramfs-tools/initramfs.conf"
      printf '%s\n' virtio_pci virtio_blk $extra >"$root/etc/initramfs-tools/modules"
      chroot "$root" mkinitramfs -o "/$name" "$kernel"
      ;;
    *)
      local omit="systemd-networkd" add=()
      [ "$flavour" = systemd ] || omit+=" systemd systemd-initrd dracut-systemd"
      if [ -n "$extra" ]; then add=(--add "network-legacy network crypt"); else omit+=" crypt dm"; fi
      chroot "$root" dracut --quiet --no-hostonly --no-early-microcode --compress "gzip -1" --filesystems ext4 \
        --drivers "virtio_pci virtio_blk $extra" --omit "$omit" "${add[@]}" --force "/$name" "$kernel"
      ;;
  esac >"$work/$name.log" 2>&1
  if [ ! -s "$root/$name" ]; then
    cat "$work/$name.log" >&2
    exit 1
  fi
  mv "$root/$name" "$work/$name"
}

# The real root: busybox, and init. Linked statically, it needs nothing else.
mkdir -p "$root/newroot"/{bin,sbin,etc,dev,proc,sys,run,usr,var,tmp}
cp "$root/bin/busybox" "$root/newroot/bin/"
ln -s busybox "$root/newroot/bin/sh"
cp "$tests/init" "$root/newroot/sbin/init"
echo 0 >"$root/newroot/count"
echo ID=test >"$root/newroot/etc/os-release"
chroot "$root" mke2fs -q -t ext4 -d /newroot /root.img 8M >"$work/mke2fs.log" 2>&1 || exit 1
# The same in a LUKS2 volume. Its key is of two lines of printable characters, so that it can be looked for in every
# spelling.
uuid=01234567-89ab-4cde-8f01-23456789abcd
head -c 24 /dev/urandom | base64 -w 20 >"$work/key"
{
  cat "$work/key"
  printf '%s\n%s\n' "$(od -An -v -tx1 "$work/key" | tr -d ' \n')" "$(base64 -w 0 "$work/key")"
} >"$work/secrets"
cp "$work/secrets" "$root/newroot/"
cp "$work/key" "$root/key"
printf 'the passphrase' >"$root/passphrase"
cheap="--batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /passphrase"
chroot "$root" sh -ec "mke2fs -q -t ext4 -d /newroot /disk.img 8M && truncate -s +16M /disk.img
  cryptsetup reencrypt --encrypt --type luks2 --uuid $uuid --reduce-device-size 16M $cheap /disk.img
  cryptsetup luksAddKey $cheap /disk.img /key" >"$work/disk.log" 2>&1 || { cat "$work/disk.log" >&2; exit 1; }
rm "$root/key"

# --- the machines ---

# with_paravisor INTERFACE [OPTION...]: the TPM of the machines to come; all have the same state.
certs=$work/state
with_paravisor() {
  local line
  without_tpm
  mkfifo "$work/ready"
  "$paravisor" --state "$certs" --qemu "$work/socket" "${@:2}" >"$work/ready" &
  paravisor_pid=$!
  read -r -t "$patience" line <"$work/ready"
  rm "$work/ready"
  [[ $line == ready* ]] || exit 1
  ahead "$paravisor_pid"
  http=${line##* http=http://}
  http=${http%% *}
  kbs=${line##* kbs=https://}
  kbs=${kbs%% *}
  tpm "$work/socket" "$1"
}
without_tpm() {
  tpm=()
  [ -n "$paravisor_pid" ] || return
  kill "$paravisor_pid"
  wait "$paravisor_pid"
  check "the paravisor ends with 0" [ $? -eq 0 ]
  paravisor_pid=
}
# with_network [OPTION...]: the machines to come have one, in which the emulated endpoint and the broker answer. Guests
# get an address by DHCP.
with_network() {
  local here=169.254.169.254
  with_paravisor tpm-crb --http 127.0.0.1:0 --kbs 127.0.0.1:0 --resource "default/key/disk=$work/key" --kbs-policy "$work/policy" "$@"
  network=(-netdev "user,id=net,restrict=on,net=169.254.0.0/16,host=169.254.0.2,dhcpstart=169.254.0.15,guestfwd=tcp:$here:80-cmd:socat - TCP:$http,guestfwd=tcp:$here:443-cmd:socat - TCP:$kbs"
    -device virtio-net-pci,netdev=net,romfile=)
}
paravisor_pid=
without_tpm
measure_boot

# is_over PROCESS FILE...: it is gone, a file says $until, or there is no TPM.
is_over() { has_ended "$1" || grep -a -q -e "$given_up" ${until:+-e "$until"} "${@:2}" 2>/dev/null; }

# boot NAME IMAGE OPTION...: runs the machine with $tpm to its end, or until it says $until; the console
# is in NAME.console, the folders that the guest left are NAME.1/snpnv and so on, their number $boots. The root is
# encrypted if $encrypted is set.
command_line() { echo "console=ttyS0 panic=-1 no_timer_check root=${encrypted:-/dev/vda} rw quiet $*"; }
boot() {
  local name=$1 image=$2 start=$SECONDS count=0 line disk=root.img left=$tries machine
  shift 2
  [ -z "${encrypted:-}" ] || disk=disk.img
  while
    cp --sparse=always "$root/$disk" "$work/$name.img"
    machine "${tpm[@]}" -initrd "$work/$image" -serial "file:$work/$name.console" \
      -serial "file:$work/$name.left" -drive "file=$work/$name.img,format=raw,if=virtio,cache=unsafe" ${reset:--no-reboot} \
      -append "$(command_line "$@")" &
    machine=$!
    check "$name: the machine ended within $limit s" within "$limit" is_over "$machine" "$work/$name.console" "$work/$name.left"
    has_ended "$machine" || kill -KILL "$machine"
    wait "$machine" 2>/dev/null
    [ $((left -= 1)) -gt 0 ] && gave_up "$work/$name.console"
  do
    echo "== $flavour, $name: the guest gave up its TPM; again"
  done
  local block=$work/$name.block
  : >"$block"
  while IFS= read -r line; do
    line=${line%$'\r'}
    case $line in
      END*)
        count=$((count + 1))
        mkdir "$work/$name.$count"
        base64 -d "$block" | tar --warning=no-timestamp -xz -C "$work/$name.$count"
        : >"$block"
        ;;
      *) echo "$line" >>"$block" ;;
    esac
  done <"$work/$name.left"
  boots=$count
  echo "== $flavour, $name: $((SECONDS - start)) s on the host"
  [ $count -eq 0 ] || awk -v boot="$flavour, $name" '
    /^\/dev\/tpmrm0 is there after/ { ready = $5 }
    / done in / { printf "== %s: %s %.2f s after the TPM was ready\n", boot, $1, $4 - ready }
  ' "$work/$name.1"/*/log
  tr -d '\r' <"$work/$name.console" | grep -a -E 'snpnv|ROOT' | sed "s/^/$name: /"
}
not() { ! "$@"; }
lacks() { LC_ALL=C grep -a "$@"; [ $? -eq 1 ]; }  # GREP-ARGUMENT...: it was searched, and there is nothing
says() { grep -a -q -e "$2" "$work/$1.console"; }
# continued NAME STATUS REASON: the root was reached, and what failed is there to be read.
continued() {
  check "$1: the root is reached" [ "$boots" -eq 1 ]
  check "$1: status $2" [ "$(cat "$work/$1.1/snpnv/status")" = "$2" ]
  check "$1: the log says why" grep -q "$3" "$work/$1.1/snpnv/log"
  in_time "$1"
}
# halted NAME REASON: the machine was switched off before the root.
halted() {
  check "$1: the root is not reached" [ "$boots" -eq 0 ]
  check "$1: nor does its init run" not says "$1" "ROOT reached"
  check "$1: the console says why" says "$1" "snpnv: .*$2.* after .* onfail=halt"
  in_time "$1"
}
# in_time NAME: by the guest's clock, the step took $timeout seconds and a moment at most; polls and processes take
# longer where the machine is busy, and seconds are cut off.
in_time() {
  local took
  took=$(grep -a -o ' after [0-9]*\.[0-9]* s (status' "$work/$1.console" | grep -o '[0-9]*' | head -n 1)
  is_short() { [ "${took:-9999}" -le $((timeout + 2 + reference / 4)) ]; }
  is_short || measure_boot  # it may have become busier since
  check "$1: the step took ${took:-?} s, of $timeout" is_short
}
# verified FOLDER OPTION...: evidence.json in it, by the paravisor's root.
verified() {
  "$snpnv" verify evidence "$work/$1/evidence.json" --certs "$certs" --root "$certs/ark.pem" "${@:2}" \
    >"$work/verdict" || { cat "$work/verdict"; return 1; }
  echo "== $1: $(grep -c '^PASS' "$work/verdict") checks passed, $(tail -n 1 "$work/verdict")"
}
# bound FOLDER: envelope.bin or hcl_report.bin in it carries the user data in hexadecimal.
bound() {
  "$snpnv" verify envelope "$certs" "$1" --root "$certs/ark.pem" --user-data "$2" >"$work/verdict" ||
    { cat "$work/verdict"; return 1; }
  echo "== ${1#"$work/"}: $(grep -c '^PASS' "$work/verdict") checks passed, $(tail -n 1 "$work/verdict")"
}
# network_image: with_extra, and it knows the broker.
network_image() {
  with_extra "$1"
  vcek=
  image network-image timeout=600 kbs=https://169.254.169.254 resource=default/key/disk
}
# platform_answers OPTION...: they bring up the network, evidence.json is made with the platform's VCEK, and the broker
# releases the key of the root to it, with no one typing. Without a network the platform is not asked.
platform_answers() {
  local log=$work/platform.1/snpnv/log logs=/run/dmesg asked
  [ "$flavour" != systemd ] || logs=/run/log/journal
  unlocking=(snpnv.vcek=platform snpnv.onfail=halt "$@")
  encrypted=/dev/mapper/root
  policy
  with_network
  boot platform network-image "${unlocking[@]}"
  check "platform: the root is reached" [ "$boots" -eq 1 ]
  check "platform: status 0" [ "$(cat "$work/platform.1/snpnv/status")" = 0 ]
  check "platform: verified" verified platform.1/snpnv
  check "platform: it was asked" grep -q /metadata/THIM/amd/certification "$certs/http.log"
  check "disk: the broker has released the key" grep -q 'GET /kbs/v0/resource/default/key/disk 200' "$certs/kbs.log"
  check "disk: and the log says so" grep -q 'key done in .*: default/key/disk of https://169.254.169.254' "$log"
  check "disk: it was encrypted" lacks -l 'ROOT reached' "$root/disk.img"
  check "disk: nothing of the key on it, in the console or in what the guest left" \
    lacks -i -l -F -f "$work/secrets" -r "$work/platform".{img,console,1}
  check "disk: the logs were searched" says platform "ROOT words of the log in:.* $logs"
  check "disk: nothing of the key in them" says platform "ROOT secrets in:.\?$"
  check "disk: nobody is there to give it any longer" says platform "ROOT nobody gives the key"
  encrypted=
  asked=$(wc -l <"$certs/http.log")
  boot unasked network-image snpnv.vcek=platform snpnv.timeout=$timeout cryptopts= rd.luks=0
  continued unasked 2 'needs a network'
  check "unasked: nobody was" [ "$(wc -l <"$certs/http.log")" -eq "$asked" ]
  network=(-nic none)
}
# policy: what the broker asks for. Where the command line is measured, PCR 12 is that of $unlocking.
policy() {
  local pcrs=
  if [ "$flavour" = initramfs-tools ]; then
    pcrs=$({ head -c 32 /dev/zero; command_line "${unlocking[@]}" | openssl dgst -sha256 -binary; } | sha256sum)
    pcrs=",\"pcrs\":{\"12\":\"${pcrs%% *}\"}"
  fi
  echo "{\"vm_configuration\":{\"secure-boot\":true}$pcrs}" >"$work/policy"
}
# refusals: the same image and disk, but something is not as it should be. No key comes.
refusals() {
  encrypted=/dev/mapper/root
  with_network --fault no-secure-boot
  boot no-secure-boot network-image "${unlocking[@]}"
  timeout=600 halted no-secure-boot 'getting the key failed'
  check "no-secure-boot: the console says the broker's reason" says no-secure-boot 'snpnv: .*refused.*policy.secure_boot'
  with_network
  prompted other-line policy.pcrs "${unlocking[@]}" snpnv.onfail=continue
  local away="ip=dhcp snpnv.kbs=https://169.254.169.254:444 snpnv.timeout=$timeout"
  prompted away 169.254.169.254:444 "$away"
  boot away-halt network-image "$away" snpnv.onfail=halt
  halted away-halt 'getting the key failed'
  boot stranger network-image ip=dhcp snpnv.ca=/etc/ark.pem snpnv.onfail=halt
  timeout=600 halted stranger 'getting the key failed'
  check "stranger: the console says why" says stranger 'snpnv: .*io_certificate'
  check "nothing was released" lacks resource "$certs/kbs.log"
  encrypted=
}
# prompted NAME REASON OPTION...: the passphrase is asked for, and the root is not reached without.
prompted() {
  until="Please unlock disk" boot "$1" network-image "${@:3}"
  check "$1: the console says why" says "$1" "snpnv: .*$2"
  check "$1: the passphrase is asked for" says "$1" 'Please unlock disk root:'
  check "$1: the root is not reached" [ "$boots" -eq 0 ]
}
digits() { od -An -v -tx1 "$1" | tr -d ' \n'; }

nonce=00112233445566778899aabbccddeeff
vcek=$tests/../pki/milan/vcek.pem
# A guest on a busy machine must come to what is to fail before its time is over; where nothing fails, there is plenty.
timeout=$((10 + 3 * (reference - 1)))
case $flavour in
  dracut)
    image image hook=/usr/bin/test-hook timeout=600
    with_paravisor tpm-crb
    boot evidence image snpnv.nonce=$nonce
    check "the root is reached" [ "$boots" -eq 1 ]
    check "verified" verified evidence.1/snpnv --nonce $nonce
    check "status 0" [ "$(cat "$work/evidence.1/snpnv/status")" = 0 ]
    check "the hook ran" grep -q '^hook got /run/snpnv/evidence.json$' "$work/evidence.1/snpnv/log"
    without_tpm
    boot no-tpm image snpnv.timeout=$timeout
    continued no-tpm 4 'no TPM: /dev/tpmrm0'
    with_paravisor tpm-tis --fault stale-forever
    boot stale image snpnv.timeout=$timeout snpnv.onfail=halt
    halted stale 'evidence failed'
    check "stale: and the console says snpnv's reason" says stale 'snpnv: .*fresh_stale'
    # The kernel holds whoever waits for a command, and does not switch off before it gives up, in minutes.
    with_paravisor tpm-crb --fault nv-silence
    until="END 1" boot silence image snpnv.timeout=$timeout
    continued silence 4 io_deadline
    boot blocked image snpnv.out=/run/udev/control/below snpnv.onfail=halt
    halted blocked 'cannot be made'
    network_image "/run/snpnv-key luks"
    until="END 1" boot endless network-image snpnv.timeout=$timeout test.endless
    continued endless 4 'evidence did not end by itself; under way: TPM2_NV_Write, NV index 0x01400002 (user data)'
    platform_answers rd.neednet=1 ip=dhcp "rd.luks.uuid=$uuid"
    ;;
  systemd)
    image image hook=/usr/bin/refusing-hook timeout=600
    with_paravisor tpm-crb
    boot evidence image snpnv.hook=
    check "the root is reached" [ "$boots" -eq 1 ]
    check "verified" verified evidence.1/snpnv
    check "status 0" [ "$(cat "$work/evidence.1/snpnv/status")" = 0 ]
    boot refused image snpnv.onfail=halt
    timeout=600 halted refused 'hook /usr/bin/refusing-hook failed'
    network_image "/run/snpnv-key luks,x-initrd.attach"
    platform_answers rd.neednet=1 ip=dhcp
    # What cannot be run at all stops the boot, whatever onfail says. No such image is made: it is so afterwards, by
    # another archive behind the first.
    chmod -x "$root/usr/lib/snpnv/snpnv-boot"
    echo usr/lib/snpnv/snpnv-boot | chroot "$root" cpio --quiet -o -H newc | gzip | cat "$work/image" - >"$work/broken-image"
    boot broken broken-image
    check "broken: the root is not reached" [ "$boots" -eq 0 ]
    check "broken: nor does its init run" not says broken "ROOT reached"
    ;;
  initramfs-tools)
    vcek=
    image image mode=report timeout=600
    with_paravisor tpm-tis
    # The machine is reset once: the same QEMU, a new boot of the TPM.
    reset=" " boot report image test.boots=2
    check "two boots of one machine" [ "$boots" -eq 2 ]
    for i in 1 2; do
      here=$work/report.$i/snpnv
      check "boot $i: status 0" [ "$(cat "$here/status")" = 0 ]
      check "boot $i: a report, by the envelope" bound "$here/envelope.bin" "$(digits "$here/user-data.bin")"
      check "boot $i: by itself" "$snpnv" verify attestation "$certs" "$here/report.bin" --root "$certs/ark.pem" \
        >"$work/verdict"
    done
    check "each has a report of its own" not cmp -s "$work"/report.{1,2}/snpnv/report.bin
    boot parts image snpnv.mode=evidence snpnv.nonce=$nonce snpnv.out=/run/attestation/boot
    here=$work/parts.1/boot/evidence
    check "raw parts, by the envelope" bound "$here/hcl_report.bin" "$nonce$(printf '0%.0s' {1..96})"
    without_tpm
    boot no-tpm image snpnv.timeout=$timeout snpnv.onfail=halt
    halted no-tpm 'no TPM: /dev/tpmrm0'
    with_paravisor tpm-crb --fault stale-forever
    boot stale image snpnv.timeout=$timeout
    continued stale 4 fresh_stale
    with_paravisor tpm-tis --fault nv-silence
    until="sysrq: Power Off" boot silence image snpnv.timeout=$timeout snpnv.onfail=halt
    halted silence 'report failed'
    check "silence: and the console says snpnv's reason" says silence 'snpnv: .*io_deadline'
    boot blocked image snpnv.out=/run/udev/control/below snpnv.onfail=halt
    halted blocked 'cannot be made'
    network_image "none luks,initramfs,keyscript=snpnv-key"
    platform_answers ip=dhcp
    refusals
    ;;
esac
without_tpm
[ "$failures" -eq 0 ] || tail -n 20 "$work"/*.console
summary
