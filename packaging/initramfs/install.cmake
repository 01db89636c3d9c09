# SPDX-License-Identifier: Apache-2.0
# What goes into /usr for an initramfs that attests its boot:
#   cmake --install BUILD --component initramfs --prefix /usr
# dracut, initramfs-tools and systemd look there and nowhere else, so it is no part of a plain install.
set(initramfs COMPONENT initramfs EXCLUDE_FROM_ALL)
install(PROGRAMS packaging/initramfs/snpnv-boot DESTINATION lib/snpnv ${initramfs})
install(DIRECTORY packaging/dracut/90snpnv DESTINATION lib/dracut/modules.d USE_SOURCE_PERMISSIONS ${initramfs})
install(PROGRAMS packaging/initramfs-tools/hooks/snpnv DESTINATION share/initramfs-tools/hooks ${initramfs})
install(PROGRAMS packaging/initramfs-tools/scripts/init-premount/snpnv
        DESTINATION share/initramfs-tools/scripts/init-premount ${initramfs})
install(PROGRAMS packaging/initramfs-tools/snpnv-key DESTINATION lib/cryptsetup/scripts ${initramfs})
install(FILES packaging/systemd/snpnv-initrd.service packaging/systemd/snpnv-key.socket
              packaging/systemd/snpnv-key@.service DESTINATION lib/systemd/system ${initramfs})
install(FILES packaging/initramfs/initramfs.conf DESTINATION lib/snpnv ${initramfs})
install(FILES packaging/man/snpnv-boot.8 DESTINATION share/man/man8 ${initramfs})
install(FILES packaging/man/snpnv-initramfs.conf.5 DESTINATION share/man/man5 ${initramfs})
