#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A kernel boots with an initramfs that attests it, made by dracut, by dracut with systemd or by
# initramfs-tools, on the emulated paravisor; the host verifies what the guest left. Then without a TPM,
# with one that stays stale and one that is silent.
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
rm -f "$root/usr/bin/snpnv"
install -s "$snpnv" "$root/usr/bin/snpnv"
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3 || skip "no device nodes can be made here"
[ -e "$root/dev/urandom" ] || mknod -m 666 "$root/dev/urandom" c 1 9
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
# In an image with $extra: snpnv that trusts the emulated root where it fetches, which has no end of its own where
# the command line says so.
extra=
cat >"$root/usr/bin/test-snpnv" <<'EOF'
#!/bin/sh
read -r line < /proc/cmdline
all=$*
case $line in *test.endless*) set -- ${all% --timeout *} --timeout 3600 ;; esac
case " $* " in *' fetch '*) set -- "$@" --root /etc/ark.pem ;; esac
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
chmod +x "$root/etc/initramfs-tools/hooks/test"
with_extra() {
  mv "$root/usr/bin/snpnv" "$root/usr/bin/real-snpnv"
  mv "$root/usr/bin/test-snpnv" "$root/usr/bin/snpnv"
  cp "$certs/ark.pem" "$root/etc/ark.pem"
  # shellcheck disable=SC2016 # dracut reads it
  echo 'install_items+=" /usr/bin/real-snpnv /etc/ark.pem "' >"$root/etc/dracut.conf.d/test.conf"
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
      local omit=(--omit "systemd-networkd")
      [ "$flavour" = systemd ] || omit=(--omit "systemd systemd-initrd dracut-systemd systemd-networkd")
      [ -z "$extra" ] || omit+=(--add "network-legacy network")
      chroot "$root" dracut --quiet --no-hostonly --no-early-microcode --compress "gzip -1" --filesystems ext4 \
        --drivers "virtio_pci virtio_blk $extra" "${omit[@]}" --force "/$name" "$kernel"
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
  http=${line##* http=http://}
  http=${http%% *}
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
# with_network: the machines to come have one, in which the emulated endpoint answers. Guests get an address by DHCP.
with_network() {
  with_paravisor tpm-crb --http 127.0.0.1:0
  network=(-netdev "user,id=net,restrict=on,net=169.254.0.0/16,host=169.254.0.2,dhcpstart=169.254.0.15,guestfwd=tcp:169.254.169.254:80-cmd:socat - TCP:$http"
    -device virtio-net-pci,netdev=net,romfile=)
}
paravisor_pid=
without_tpm
measure_boot

# is_over PROCESS FILE...: it is gone, or a file says $until.
is_over() {
  has_ended "$1" || { [ -n "${until:-}" ] && grep -a -q "$until" "${@:2}" 2>/dev/null; }
}

# boot NAME IMAGE OPTION...: runs the machine with $tpm to its end, or until it says $until; the console
# is in NAME.console, the folders that the guest left are NAME.1/snpnv and so on, their number $boots.
boot() {
  local name=$1 image=$2 start=$SECONDS count=0 line
  shift 2
  cp --sparse=always "$root/root.img" "$work/$name.img"
  machine "${tpm[@]}" -initrd "$work/$image" -serial "file:$work/$name.console" \
    -serial "file:$work/$name.left" -drive "file=$work/$name.img,format=raw,if=virtio,cache=unsafe" ${reset:--no-reboot} \
    -append "console=ttyS0 panic=-1 no_timer_check root=/dev/vda rw quiet $*" &
  local machine=$!
  check "$name: the machine ended within $limit s" within "$limit" is_over "$machine" "$work/$name.console" "$work/$name.left"
  has_ended "$machine" || kill -KILL "$machine"
  wait "$machine" 2>/dev/null
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
  tr -d '\r' <"$work/$name.console" | grep -a -E 'snpnv|ROOT' | sed "s/^/$name: /"
}
not() { ! "$@"; }
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
  check "$1: the step took ${took:-?} s, of $timeout" [ "${took:-9999}" -le $((timeout + 2 + reference / 4)) ]
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
# platform_answers OPTION...: they bring up the network, and evidence.json is made with the platform's VCEK. Without
# them the platform is not asked.
platform_answers() {
  with_network
  boot platform network-image snpnv.vcek=platform "$@"
  check "platform: the root is reached" [ "$boots" -eq 1 ]
  check "platform: status 0" [ "$(cat "$work/platform.1/snpnv/status")" = 0 ]
  check "platform: verified" verified platform.1/snpnv
  check "platform: it was asked" grep -q /metadata/THIM/amd/certification "$certs/http.log"
  local asked
  asked=$(wc -l <"$certs/http.log")
  boot unasked network-image snpnv.vcek=platform snpnv.timeout=$timeout
  continued unasked 2 'needs a network'
  check "unasked: nobody was" [ "$(wc -l <"$certs/http.log")" -eq "$asked" ]
  network=(-nic none)
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
    with_extra
    vcek=
    image network-image timeout=600
    until="END 1" boot endless network-image snpnv.timeout=$timeout test.endless
    continued endless 4 'evidence did not end by itself; under way: TPM2_NV_Write, NV index 0x01400002 (user data)'
    platform_answers rd.neednet=1 ip=dhcp
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
    with_extra
    vcek=
    image network-image timeout=600
    platform_answers rd.neednet=1 ip=dhcp
    # What cannot be run at all stops the boot, whatever onfail says.
    chmod -x "$root/usr/lib/snpnv/snpnv-boot"
    image broken-image
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
    with_extra
    image network-image timeout=600
    platform_answers ip=dhcp
    ;;
esac
without_tpm
[ "$failures" -eq 0 ] || tail -n 20 "$work"/*.console
summary
