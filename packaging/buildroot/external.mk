include $(BR2_EXTERNAL_SNPNV_PATH)/snpnv.mk
