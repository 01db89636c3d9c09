// SPDX-License-Identifier: Apache-2.0
// Any TCTI of tpm2-tss, by context or by name.
#pragma once

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>

#include <array>
#include <memory>
#include <string>

#include "snpnv/tpm/transport.hpp"
#include "snpnv/wire/tpm2_messages.hpp"
#include "transports/bounded_call.hpp"

namespace snpnv {

/// A TCTI context of which every call ends at the deadline.
///
/// Most TCTIs block in connect(), write() and read() whatever timeout they are given, and resume
/// after signals. So each call runs in a thread of its own, which takes no signals; at the deadline
/// that thread is left behind with the context, which it closes if it ever gets to, and the
/// transport refuses further commands.
class Tcti {
 public:
  /// Opens a TCTI by name and configuration, as tpm2-tools spell it: `swtpm:host=…,port=…`.
  /// @returns the TCTI | io_tcti - detail: TSS2_RC | io_deadline | io_failed - detail: errno.
  [[nodiscard]] static Result<Tcti> open(std::string name, Instant deadline) noexcept {
    auto job = std::make_shared<OpenJob>();
    job->name = std::move(name);
    job->owned = true;
    SNPNV_CHECK(BoundedCall::run(job, deadline));
    if (job->rc != TSS2_RC_SUCCESS) return fail(Code::io_tcti, 0, job->rc);
    return Tcti(std::exchange(job->context, nullptr), true, deadline);
  }
  /// Borrows a context, which outlives this object. After io_deadline a thread still uses it: the
  /// caller must never finalize it.
  Tcti(TSS2_TCTI_CONTEXT* context, Instant deadline) noexcept : Tcti(context, false, deadline) {}

  Tcti(Tcti&& other) noexcept
      : context_(std::exchange(other.context_, nullptr)),
        owned_(other.owned_),
        deadline_(other.deadline_) {}
  Tcti& operator=(Tcti&&) = delete;
  ~Tcti() {
    if (context_ != nullptr && owned_) Tss2_TctiLdr_Finalize(&context_);
  }

  /// @returns the response | io_tcti - detail: TSS2_RC | io_deadline | io_failed - detail: errno
  ///   | io_closed - after a deadline | wire_overflow - the response is larger than `response`.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (context_ == nullptr) return fail(Code::io_closed);
    if (command.size() > kMaxTpmMessage)
      return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(command.size()));
    auto job = std::make_shared<TransactJob>();
    job->context = context_;
    job->size = copy_to(job->message, command).size();
    if (const auto ran = BoundedCall::run(job, deadline_); !ran) {
      if (ran.error().code == Code::io_deadline) {
        job->owned = owned_;
        context_ = nullptr;
      }
      return fail(ran.error());
    }
    if (job->rc != TSS2_RC_SUCCESS) return fail(Code::io_tcti, 0, job->rc);
    if (job->size > response.size())
      return fail(Code::wire_overflow, response.size(), static_cast<std::uint32_t>(job->size));
    return copy_to(response, ByteView(job->message).first(job->size));
  }
  void set_deadline(Instant deadline) noexcept { deadline_ = deadline; }

 private:
  struct Job : BoundedCall {
    TSS2_RC rc = TSS2_RC_SUCCESS;
    TSS2_TCTI_CONTEXT* context = nullptr;
    bool owned = false;

    // The last to let go closes the context: the thread, if it was left behind.
    ~Job() override {
      if (owned && context != nullptr) Tss2_TctiLdr_Finalize(&context);
    }
  };
  struct OpenJob final : Job {
    std::string name;
    void work() noexcept override { rc = Tss2_TctiLdr_Initialize(name.c_str(), &context); }
  };
  struct TransactJob final : Job {
    std::array<std::byte, 2 * kMaxTpmMessage> message{};
    std::size_t size = 0;
    void work() noexcept override {
      auto* const octets = static_cast<std::uint8_t*>(static_cast<void*>(message.data()));
      rc = Tss2_Tcti_Transmit(context, size, octets);
      size = message.size();
      if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(context, &size, octets, TSS2_TCTI_TIMEOUT_BLOCK);
    }
  };

  Tcti(TSS2_TCTI_CONTEXT* context, bool owned, Instant deadline) noexcept
      : context_(context), owned_(owned), deadline_(deadline) {}

  TSS2_TCTI_CONTEXT* context_;
  bool owned_;
  Instant deadline_;
};
static_assert(Transport<Tcti>);

}  // namespace snpnv
