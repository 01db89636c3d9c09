// SPDX-License-Identifier: Apache-2.0
// Event logs: records tile the log, whatever windows they are read from; what they hold parses or is refused inside.
#include "fuzz/fuzz.hpp"
#include "snpnv/verify/boot_policy.hpp"

using namespace snpnv;

namespace {

// A hash that costs nothing: what is fuzzed is what stands around it.
struct Sum {
  Result<Digest> digest(Hash hash, ByteView data) noexcept {
    Digest out;
    out.size = digest_size(hash);
    for (std::size_t i = 0; i < data.size(); ++i) out.octets[i % out.size] ^= data[i];
    return out;
  }
};

// What stands in events of UEFI: text is no longer than room for it, lists end.
void look_into(const LoggedEvent& event) {
  const ByteView data = event.data;
  const auto image = UEFI_IMAGE_LOAD_EVENT::parse(data, event.data_offset);
  REQUIRE(image || fuzz::inside(image.error(), data.size(), event.data_offset));
  const auto option = EFI_LOAD_OPTION::parse(data, event.data_offset);
  REQUIRE(option || fuzz::inside(option.error(), data.size(), event.data_offset));
  for (const ByteView path : {data, image ? image->DevicePath : data, option ? option->FilePathList : data})
    REQUIRE(file_of(path).size() <= path.size());
  std::size_t listed = 0;
  SignatureLists lists(data);
  while (const auto entry = lists.next()) listed += entry->size();
  REQUIRE(listed <= data.size());
  const ByteView text = data.first(std::min<std::size_t>(data.size(), 256));
  std::array<std::byte, 2 * 256 + 3> room{};
  ByteWriter writer(room);
  utf16_to_utf8(writer, text);
  REQUIRE(writer.ok());
}

// Whatever a policy asks of a log: a judgement comes, and none by default.
void judge(Sum& sum, ByteView log) {
  Policy policy;
  const ReplayedPcrs all{{0xFFFFFF}, {}};
  const MeasuredLogs view{log, {}};
  detail::BootPolicyVerifier nothing(sum, view, all, policy);
  REQUIRE(nothing.policy_boot_events().outcome == CheckOutcome::skip);
  policy.secure_boot_log = true;
  for (auto* keys : {&policy.secure_boot_pk, &policy.secure_boot_kek, &policy.secure_boot_db, &policy.secure_boot_dbx,
                     &policy.secure_boot_authority})
    REQUIRE(keys->add(PcrValue{}));
  REQUIRE(policy.kernel_command_line.add({}));
  std::array<std::byte, 3 * BootEventRules::kSize> rules{};  // PCR 0: each kind, of zeros
  for (std::size_t i = 0; i < 3; ++i) rules[i * BootEventRules::kSize + 1] = static_cast<std::byte>(i);
  policy.boot_events.octets = rules;
  detail::BootPolicyVerifier verifier(sum, view, all, policy);
  REQUIRE(verifier.policy_secure_boot_log().outcome != CheckOutcome::skip);
  REQUIRE(verifier.policy_kernel_command_line().outcome != CheckOutcome::skip);
  REQUIRE(verifier.policy_boot_events().outcome == CheckOutcome::fail);  // it cannot be there and not be
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView log = fuzz::view(data, size);
  EventLogReader whole;
  EventLogReader pieces;
  Sum sum;
  PcrReplay replay(Hash::sha256);
  BootFacts facts;
  std::size_t at = 0;
  while (at < log.size()) {
    const auto event = whole.next(log.subspan(at));
    if (!event) {
      REQUIRE(fuzz::inside(event.error(), size));
      REQUIRE(whole.taken() == 0 && whole.offset() == at);
      break;
    }
    REQUIRE(event->offset == at && whole.taken() >= 16);
    // One octet less is too short, and takes nothing; exactly as much is enough.
    const auto cut = pieces.next(log.subspan(at, whole.taken() - 1));
    REQUIRE(!cut && pieces.taken() == 0);
    const auto same = pieces.next(log.subspan(at, whole.taken()));
    REQUIRE(same && pieces.taken() == whole.taken() && equal(same->data, event->data));
    const auto variable = UEFI_VARIABLE_DATA::parse(event->data, event->data_offset);
    REQUIRE(variable || fuzz::inside(variable.error(), event->data.size(), event->data_offset));
    const auto front = UEFI_VARIABLE_DATA::front(event->data, event->data_offset);
    REQUIRE(variable ? front && equal(front->VariableData, variable->VariableData)
                     : front || fuzz::inside(front.error(), event->data.size(), event->data_offset));
    const auto content = event_content(sum, *event, TPM_ALG_ID::SHA256);
    REQUIRE(content && content->content.size() <= event->data.size());
    (void)replay.take(sum, *event, TPM_ALG_ID::SHA256);
    REQUIRE(facts.take(sum, *event, *content, TPM_ALG_ID::SHA256));
    const auto line = kernel_command_line(*event, *content);
    REQUIRE(!line || line->text.size() <= event->data.size());
    look_into(*event);
    at += whole.taken();
  }
  judge(sum, log);
  return 0;
}
