# SPDX-License-Identifier: Apache-2.0
################################################################################
#
# snpnv
#
################################################################################

# The project that this tree is part of, without what was built in it.
SNPNV_SITE = $(BR2_EXTERNAL_SNPNV_PATH)/../..
SNPNV_SITE_METHOD = local
SNPNV_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude /build
SNPNV_LICENSE = Apache-2.0
SNPNV_LICENSE_FILES = LICENSE
SNPNV_DEPENDENCIES = mbedtls
SNPNV_CONF_OPTS = \
	-DSNPNV_TESTS=OFF \
	-DSNPNV_VERIFY=$(if $(BR2_PACKAGE_SNPNV_VERIFY),ON,OFF)

ifeq ($(BR2_PACKAGE_SNPNV_STATIC),y)
SNPNV_CONF_OPTS += -DSNPNV_STATIC=ON
else ifeq ($(BR2_PACKAGE_TPM2_TSS),y)
SNPNV_DEPENDENCIES += host-pkgconf tpm2-tss
SNPNV_CONF_OPTS += -DSNPNV_TCTI=ON
else
SNPNV_CONF_OPTS += -DSNPNV_TCTI=OFF
endif

# The program and its manual page; the headers are for the build machine.
define SNPNV_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(BR2_CMAKE) --install $(SNPNV_BUILDDIR) \
		--prefix $(TARGET_DIR)/usr --component snpnv
endef

$(eval $(cmake-package))
