// SPDX-License-Identifier: Apache-2.0
#include "waiting.hpp"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "cli.hpp"
#include "output.hpp"

namespace snpnv::tool {
namespace {

bool allowed = false;
std::string_view waited_for;

void write_line(int) {
  const int error = errno;
  if (allowed && terminal_width(STDERR_FILENO) != 0)
    for (const std::string_view part : {std::string_view("snpnv: waiting for "), waited_for, std::string_view("\n")})
      (void)!::write(STDERR_FILENO, part.data(), part.size());
  errno = error;
}

}  // namespace

void Waiting::allow(bool yes) { allowed = yes; }

static void set_alarm(time_t seconds) {
  const itimerval timer{{}, {seconds, 0}};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

Waiting::Waiting(std::string_view what) {
  waited_for = what;
  struct sigaction action {};
  action.sa_handler = write_line;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, &before_);
  set_alarm(1);
}

void Waiting::end() {
  if (ended_) return;
  ended_ = true;
  set_alarm(0);
  ::sigaction(SIGALRM, &before_, nullptr);
}

}  // namespace snpnv::tool
