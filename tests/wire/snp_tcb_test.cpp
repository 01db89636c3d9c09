// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/snp_tcb.hpp"

#include "tests/test.hpp"

using namespace snpnv;

namespace {
int get(const TCB_VERSION& tcb, std::string_view name, Product product) {
  for (const TcbLayoutEntry& entry : kTcbLayout)
    if (entry.name == name) {
      const auto value = tcb.get(entry, product);
      return value ? *value : -1;
    }
  FAIL("no such component: " << name);
  return -1;
}
}  // namespace

// AMD 56860, "TCB_VERSION": which octet is which.
TEST_CASE("Tcb_Components_StandWhereTheProductHasThem") {
  const auto octets = test::hex("0a0b0c0d0e0f1011");
  const TCB_VERSION tcb = TCB_VERSION::load(std::span<const std::byte, 8>(octets));
  for (const Product product : {Product::milan, Product::genoa}) {
    CHECK(get(tcb, "FMC", product) == -1);
    CHECK(get(tcb, "BOOT_LOADER", product) == 0x0A);
    CHECK(get(tcb, "TEE", product) == 0x0B);
    CHECK(get(tcb, "SNP", product) == 0x10);
    CHECK(get(tcb, "MICROCODE", product) == 0x11);
  }
  CHECK(get(tcb, "FMC", Product::turin) == 0x0A);
  CHECK(get(tcb, "BOOT_LOADER", Product::turin) == 0x0B);
  CHECK(get(tcb, "TEE", Product::turin) == 0x0C);
  CHECK(get(tcb, "SNP", Product::turin) == 0x0D);
  CHECK(get(tcb, "MICROCODE", Product::turin) == 0x11);
}

TEST_CASE("Tcb_Set_ChangesThatComponentAlone") {
  for (const Product product : kProducts) {
    for (const TcbLayoutEntry& entry : kTcbLayout) {
      CAPTURE(entry.name);
      TCB_VERSION tcb;
      tcb.set(entry, product, 0xA5);
      const bool has = entry.component != TcbComponent::fmc || product == Product::turin;
      CHECK(tcb.get(entry, product) == (has ? std::optional<std::uint8_t>(0xA5) : std::nullopt));
      CHECK((tcb == TCB_VERSION{}) == !has);
      for (const TcbLayoutEntry& other : kTcbLayout)
        if (other.component != entry.component) CHECK(tcb.get(other, product).value_or(0) == 0);
    }
  }
}

TEST_CASE("Product_Name_IsAmdsOwn") {
  CHECK(name(Product::milan) == "Milan");
  CHECK(name(Product::genoa) == "Genoa");
  CHECK(name(Product::turin) == "Turin");
  CHECK(name(static_cast<Product>(9)) == "unknown");
}
