// SPDX-License-Identifier: Apache-2.0
// All that a policy can ask for, in one list. Policy, the reader of policy files, the checks, the tool's options with
// their help, docs/policy.md and docs/checks.md come from it.
#pragma once

// CHECK(id, name, what it checks), and with it the items that it judges by:
// ITEM(member of Policy, kind, path in a policy file, option, help, check)

// What the signed report says, and the claims that it proves.
#define SNPNV_REPORT_POLICY(CHECK, ITEM)                                                                \
  CHECK(policy_debug, "policy.debug", "POLICY.DEBUG is 0, unless debugging is allowed")                 \
  ITEM(allow_debug, Permission, "allow_debug", "allow-debug", "accept a guest that may be debugged",    \
       policy_debug)                                                                                    \
  CHECK(policy_migration, "policy.migration", "POLICY.MIGRATE_MA is 0, unless migration is allowed")    \
  ITEM(allow_migration, Permission, "allow_migration", "allow-migration",                               \
       "accept a guest with a migration agent", policy_migration)                                       \
  ITEM(allow_newer_version, Permission, "allow_newer_version", "allow-newer-version",                   \
       "accept report versions above 5", report_version)                                                \
  CHECK(policy_vmpl, "policy.vmpl", "VMPL is N")                                                        \
  ITEM(vmpl, Number<3>, "vmpl", "vmpl", "VMPL that asked for the report", policy_vmpl)                  \
  CHECK(policy_min_tcb, "policy.min_tcb",                                                               \
        "components of REPORTED_TCB, COMMITTED_TCB and LAUNCH_TCB are not below their minimums")        \
  ITEM(min_tcb, Tcb, "min_tcb.reported", "min-tcb", "least REPORTED_TCB, as boot_loader=3,snp=8",       \
       policy_min_tcb)                                                                                  \
  ITEM(min_committed_tcb, Tcb, "min_tcb.committed", "min-committed-tcb", "least COMMITTED_TCB",         \
       policy_min_tcb)                                                                                  \
  ITEM(min_launch_tcb, Tcb, "min_tcb.launch", "min-launch-tcb", "least LAUNCH_TCB", policy_min_tcb)     \
  CHECK(policy_measurement, "policy.measurement", "MEASUREMENT is one of those given")                  \
  ITEM(measurement, OneOf<48>, "measurement", "measurement", "MEASUREMENT; repeat for several allowed", \
       policy_measurement)                                                                              \
  CHECK(policy_host_data, "policy.host_data", "HOST_DATA is one of those given")                        \
  ITEM(host_data, OneOf<32>, "host_data", "host-data", "HOST_DATA", policy_host_data)                   \
  CHECK(policy_report_data, "policy.report_data", "REPORT_DATA is one of those given")                  \
  ITEM(report_data, OneOf<64>, "report_data", "report-data", "REPORT_DATA", policy_report_data)         \
  CHECK(policy_guest_svn, "policy.guest_svn", "GUEST_SVN is not below N")                               \
  ITEM(min_guest_svn, Number<0xFFFFFFFF>, "min_guest_svn", "min-guest-svn", "least GUEST_SVN",          \
       policy_guest_svn)                                                                                \
  CHECK(policy_family_id, "policy.family_id", "FAMILY_ID is one of those given")                        \
  ITEM(family_id, OneOf<16>, "family_id", "family-id", "FAMILY_ID", policy_family_id)                   \
  CHECK(policy_image_id, "policy.image_id", "IMAGE_ID is one of those given")                           \
  ITEM(image_id, OneOf<16>, "image_id", "image-id", "IMAGE_ID", policy_image_id)                        \
  CHECK(policy_id_key, "policy.id_key", "ID_KEY_DIGEST is one of those given")                          \
  ITEM(id_key, OneOf<48>, "id_key", "id-key", "ID_KEY_DIGEST", policy_id_key)                           \
  CHECK(policy_author_key, "policy.author_key",                                                         \
        "AUTHOR_KEY_EN is 1, and AUTHOR_KEY_DIGEST one of those given")                                 \
  ITEM(author_key, OneOf<48>, "author_key", "author-key", "AUTHOR_KEY_DIGEST", policy_author_key)       \
  CHECK(policy_platform_info, "policy.platform_info",                                                   \
        "the required bits of PLATFORM_INFO are 1, the forbidden ones 0")                               \
  ITEM(platform_info, Platform, "platform_info", "platform-info",                                       \
       "bits required, or forbidden with !, as ECC_EN,!SMT_EN", policy_platform_info)                   \
  CHECK(policy_secure_boot, "policy.secure_boot",                                                       \
        "secure-boot of the vm-configuration in the proven claims is as required")                      \
  CHECK(policy_vm_configuration, "policy.vm_configuration",                                             \
        "other members of the vm-configuration in the proven claims are as required")                   \
  ITEM(vm, VmMembers, "vm_configuration", "vm-configuration", "a member of it must have this value",    \
       policy_vm_configuration)                                                                         \
  CHECK(policy_chip_id, "policy.chip_id", "CHIP_ID is one of those given")                              \
  ITEM(chip_id, ChipIds, "chip_id", "chip-id", "CHIP_ID, 64 octets or Turin's 8", policy_chip_id)       \
  CHECK(policy_firmware, "policy.firmware",                                                             \
        "CURRENT and COMMITTED firmware version and build are not below their minimums")                \
  ITEM(min_firmware, Firmware, "min_firmware.current", "min-firmware",                                  \
       "least CURRENT version, as 1.55 or 1.55.21", policy_firmware)                                    \
  ITEM(min_committed_firmware, Firmware, "min_firmware.committed", "min-committed-firmware",            \
       "least COMMITTED version", policy_firmware)                                                      \
  CHECK(policy_mitigations, "policy.mitigations",                                                       \
        "the required bits of CURRENT_MIT_VECTOR and LAUNCH_MIT_VECTOR are 1")                          \
  ITEM(mitigations, Mask, "mitigations.current", "mitigations", "bits required in CURRENT_MIT_VECTOR",  \
       policy_mitigations)                                                                              \
  ITEM(launch_mitigations, Mask, "mitigations.launch", "launch-mitigations",                            \
       "bits required in LAUNCH_MIT_VECTOR", policy_mitigations)

// What the TPM's quote says.
#define SNPNV_QUOTE_POLICY(CHECK, ITEM)                                                                      \
  CHECK(policy_pcrs, "policy.pcrs", "PCRs have the values given")                                            \
  ITEM(pcrs, Pcrs, "pcrs", "pcr", "PCR N of the SHA-256 bank has this value", policy_pcrs)

// What the event log says, as far as the quote proves it.
#define SNPNV_BOOT_POLICY(CHECK, ITEM)                                                                      \
  CHECK(policy_secure_boot_log, "policy.secure_boot_log",                                                   \
        "secure boot, its keys and what let images in are as given, by proven events of PCR 7")             \
  ITEM(secure_boot_log, Flag, "secure_boot_log.enabled", "secure-boot-log",                                 \
       "whether firmware measured that secure boot is on", policy_secure_boot_log)                          \
  ITEM(secure_boot_pk, OneOf<32>, "secure_boot_log.pk", "secure-boot-pk",                                   \
       "SHA-256 of a certificate that PK may hold", policy_secure_boot_log)                                 \
  ITEM(secure_boot_kek, OneOf<32>, "secure_boot_log.kek", "secure-boot-kek",                                \
       "SHA-256 of a certificate that KEK may hold", policy_secure_boot_log)                                \
  ITEM(secure_boot_db, OneOf<32>, "secure_boot_log.db", "secure-boot-db",                                   \
       "SHA-256 of a certificate, or digest of an image, that db may hold", policy_secure_boot_log)         \
  ITEM(secure_boot_dbx, OneOf<32>, "secure_boot_log.dbx", "secure-boot-dbx",                                \
       "SHA-256 of a certificate, or digest of an image, that dbx must hold", policy_secure_boot_log)       \
  ITEM(secure_boot_authority, OneOf<32>, "secure_boot_log.authority", "secure-boot-authority",              \
       "SHA-256 of a certificate, or digest of an image, that may have let one in", policy_secure_boot_log) \
  CHECK(policy_kernel_command_line, "policy.kernel_command_line",                                           \
        "every kernel command line in proven events of PCRs 8, 11 and 12 is one of those given")            \
  ITEM(kernel_command_line, Texts, "kernel_command_line", "kernel-command-line",                            \
       "kernel command line; repeat for several allowed", policy_kernel_command_line)                       \
  CHECK(policy_boot_events, "policy.boot_events",                                                           \
        "what was measured into PCRs are digests that must and may have been, and none that must not")      \
  ITEM(boot_events, BootEvents, "boot_events", "boot-events",                                               \
       "a file of digests, as display eventlog --allow-list writes it", policy_boot_events)

#define SNPNV_POLICY_ITEMS(ITEM)                                                   \
  SNPNV_REPORT_POLICY(SNPNV_NOTHING, ITEM) SNPNV_QUOTE_POLICY(SNPNV_NOTHING, ITEM) \
  SNPNV_BOOT_POLICY(SNPNV_NOTHING, ITEM)

#define SNPNV_NOTHING(...)
