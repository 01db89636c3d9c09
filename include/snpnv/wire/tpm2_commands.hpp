// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 commands and their responses.
#pragma once

#include "snpnv/wire/tpm2_structures.hpp"

namespace snpnv {

// Each command declares: its code; how many of its handles need an authorization; its fields; what
// the response holds; and answered_by(), which refuses a response that another command would get.
// object() is the handle that errors name. Source: TPM 2.0 Library Part 3, the command's clause.

/// Part 3, "TPM2_Startup".
struct Startup {
  static constexpr TPM_CC kCode = TPM_CC::Startup;
  static constexpr std::size_t kAuthHandles = 0;
  TPM_SU startupType = TPM_SU::CLEAR;

  template <class Wire, class Self>
  static constexpr void handles(Wire&, Self&) {}
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.startupType); }
  struct Response {
    template <class Wire, class Self>
    static constexpr void fields(Wire&, Self&) {}
  };
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return {}; }
};

/// Part 3, "TPM2_NV_DefineSpace".
struct NV_DefineSpace {
  static constexpr TPM_CC kCode = TPM_CC::NV_DefineSpace;
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPM2B_AUTH auth{};
  Sized<TPMS_NV_PUBLIC> publicInfo{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.auth, self.publicInfo); }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return publicInfo.value.nvIndex; }
};

/// Part 3, "TPM2_NV_UndefineSpace".
struct NV_UndefineSpace {
  static constexpr TPM_CC kCode = TPM_CC::NV_UndefineSpace;
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPM_HANDLE nvIndex{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle, self.nvIndex); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire&, Self&) {}
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return nvIndex; }
};

/// Part 3, "TPM2_NV_ReadPublic".
struct NV_ReadPublic {
  static constexpr TPM_CC kCode = TPM_CC::NV_ReadPublic;
  static constexpr std::size_t kAuthHandles = 0;
  TPM_HANDLE nvIndex{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.nvIndex); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire&, Self&) {}
  struct Response {
    Sized<TPMS_NV_PUBLIC> nvPublic{};
    TPM2B_NAME nvName{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) { wire(self.nvPublic, self.nvName); }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const {
    return r.nvPublic.value.nvIndex == nvIndex;
  }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return nvIndex; }
};

/// Part 3, "TPM2_NV_Write". Sizes and offsets in octets.
struct NV_Write {
  static constexpr TPM_CC kCode = TPM_CC::NV_Write;
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPM_HANDLE nvIndex{};
  TPM2B_MAX_NV_BUFFER data{};
  std::uint16_t offset = 0;

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle, self.nvIndex); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.data, self.offset); }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return nvIndex; }
};

/// Part 3, "TPM2_NV_Read". Sizes and offsets in octets; size at most TPM_PT_NV_BUFFER_MAX.
struct NV_Read {
  static constexpr TPM_CC kCode = TPM_CC::NV_Read;
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPM_HANDLE nvIndex{};
  std::uint16_t size = 0;
  std::uint16_t offset = 0;

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle, self.nvIndex); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.size, self.offset); }
  struct Response {
    TPM2B_MAX_NV_BUFFER data{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) { wire(self.data); }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const { return r.data.data.size() == size; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return nvIndex; }
};

/// Part 3, "TPM2_ReadPublic".
struct ReadPublic {
  static constexpr TPM_CC kCode = TPM_CC::ReadPublic;
  static constexpr std::size_t kAuthHandles = 0;
  TPM_HANDLE objectHandle{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.objectHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire&, Self&) {}
  struct Response {
    Sized<TPMT_PUBLIC> outPublic{};
    TPM2B_NAME name{};
    TPM2B_NAME qualifiedName{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) {
      wire(self.outPublic, self.name, self.qualifiedName);
    }
  };
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return objectHandle; }
};

/// Part 3, "TPM2_Quote".
struct Quote {
  static constexpr TPM_CC kCode = TPM_CC::Quote;
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE signHandle{};
  TPM2B_DATA qualifyingData{};
  TPMT_SIG_SCHEME inScheme{};
  TPML_PCR_SELECTION PCRselect{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.signHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) {
    wire(self.qualifyingData, self.inScheme, self.PCRselect);
  }
  struct Response {
    TPM2B_ATTEST quoted{};
    TPMT_SIGNATURE signature{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) { wire(self.quoted, self.signature); }
  };
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return signHandle; }
};

/// Part 3, "TPM2_PCR_Read". The TPM answers with as many of the PCRs as fit: 8 at most.
struct PCR_Read {
  static constexpr TPM_CC kCode = TPM_CC::PCR_Read;
  static constexpr std::size_t kAuthHandles = 0;
  TPML_PCR_SELECTION pcrSelectionIn{};

  template <class Wire, class Self>
  static constexpr void handles(Wire&, Self&) {}
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.pcrSelectionIn); }
  struct Response {
    std::uint32_t pcrUpdateCounter = 0;
    TPML_PCR_SELECTION pcrSelectionOut{};
    TPML_DIGEST pcrValues{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) {
      wire(self.pcrUpdateCounter, self.pcrSelectionOut, self.pcrValues);
    }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const {
    std::size_t selected = 0;
    for (const TPMS_PCR_SELECTION& bank : r.pcrSelectionOut.view()) {
      selected += bank.count();
      if (!asks_for(bank)) return false;
    }
    return selected == r.pcrValues.count;
  }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return {}; }

 private:
  // True if every PCR of `bank` was selected in the command.
  [[nodiscard]] constexpr bool asks_for(const TPMS_PCR_SELECTION& bank) const {
    for (std::size_t pcr = 0; pcr < 8 * bank.pcrSelect.size(); ++pcr) {
      const auto selected = [&](const TPMS_PCR_SELECTION& asked) {
        return asked.hash == bank.hash && asked.selects(pcr);
      };
      if (bank.selects(pcr) && std::ranges::none_of(pcrSelectionIn.view(), selected)) return false;
    }
    return true;
  }
};

/// Part 3, "TPM2_GetCapability".
struct GetCapability {
  static constexpr TPM_CC kCode = TPM_CC::GetCapability;
  static constexpr std::size_t kAuthHandles = 0;
  TPM_CAP capability{};
  std::uint32_t property = 0;
  std::uint32_t propertyCount = 0;

  template <class Wire, class Self>
  static constexpr void handles(Wire&, Self&) {}
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) {
    wire(self.capability, self.property, self.propertyCount);
  }
  struct Response {
    std::uint8_t moreData = 0;  // TPMI_YES_NO
    TPMS_CAPABILITY_DATA capabilityData{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) {
      wire(self.moreData);
      wire.require(self.moreData <= 1, Code::wire_value);
      wire(self.capabilityData);
    }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const {
    const TPMS_CAPABILITY_DATA& data = r.capabilityData;
    if (data.capability != capability) return false;
    const auto asked = [&](auto value) { return static_cast<std::uint32_t>(value) >= property; };
    return data.handles.count <= propertyCount && data.tpmProperties.count <= propertyCount &&
           std::ranges::all_of(data.handles.view(), asked) &&
           std::ranges::all_of(data.tpmProperties.view(), asked, &TPMS_TAGGED_PROPERTY::property);
  }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return {}; }
};

/// Part 3, "TPM2_GetRandom". The TPM may answer with fewer octets than requested.
struct GetRandom {
  static constexpr TPM_CC kCode = TPM_CC::GetRandom;
  static constexpr std::size_t kAuthHandles = 0;
  std::uint16_t bytesRequested = 0;

  template <class Wire, class Self>
  static constexpr void handles(Wire&, Self&) {}
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.bytesRequested); }
  struct Response {
    TPM2B_DIGEST randomBytes{};
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) { wire(self.randomBytes); }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const {
    return r.randomBytes.data.size() <= bytesRequested;
  }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return {}; }
};

template <class C>
concept TpmCommand = requires(const C& command, const typename C::Response& response) {
  { C::kCode } -> std::convertible_to<TPM_CC>;
  { C::kAuthHandles } -> std::convertible_to<std::size_t>;
  { command.answered_by(response) } -> std::same_as<bool>;
  { command.object() } -> std::same_as<TPM_HANDLE>;
};

}  // namespace snpnv
