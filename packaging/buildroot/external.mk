# SPDX-License-Identifier: Apache-2.0
include $(BR2_EXTERNAL_SNPNV_PATH)/snpnv.mk
