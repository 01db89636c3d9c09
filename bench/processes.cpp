// SPDX-License-Identifier: Apache-2.0
// processes ROUNDS FILE: runs the commands in FILE in turn, ROUNDS times, and says for each its name, then
// the least and the median wall time in microseconds, and the peak RSS in kB, tabs between. A line of FILE is
// a name and words, tabs between; "&&" begins another process of the same command, "<" names standard
// input. A command that fails ends it all. Small and static itself, since a child begins as a copy.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

using Words = std::vector<std::string>;

struct Command {
  std::string name;
  std::vector<Words> processes;
  std::vector<double> microseconds;
  long most_rss = 0;
};

Words split(const std::string& line) {
  Words out{{}};
  for (const char c : line) {
    if (c == '\t') out.emplace_back();
    else out.back() += c;
  }
  return out;
}

bool run(const Words& words, long& rss) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (const int output : {1, 2}) posix_spawn_file_actions_addopen(&files, output, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  std::string input = "/dev/null";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "<" && i + 1 < words.size()) input = words[++i];
    else arguments.push_back(const_cast<char*>(words[i].c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_addopen(&files, 0, input.c_str(), O_RDONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  int status = 0;
  rusage usage{};
  if (failed != 0 || ::wait4(child, &status, 0, &usage) != child) return false;
  rss = std::max(rss, usage.ru_maxrss);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  std::vector<Command> commands;
  std::ifstream file(words[2]);
  for (std::string line; std::getline(file, line);) {
    Words parts = split(line);
    Command command{parts.front(), {{}}, {}};
    for (std::size_t i = 1; i < parts.size(); ++i) {
      if (parts[i] == "&&") command.processes.emplace_back();
      else command.processes.back().push_back(parts[i]);
    }
    commands.push_back(std::move(command));
  }
  const int rounds = std::atoi(words[1]);
  for (int round = 0; round <= rounds; ++round) {
    for (Command& command : commands) {
      const auto start = std::chrono::steady_clock::now();
      for (const Words& process : command.processes) {
        if (run(process, command.most_rss)) continue;
        std::fprintf(stderr, "%s failed\n", command.name.c_str());
        return 1;
      }
      const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
      if (round != 0) command.microseconds.push_back(took.count());  // the first one warms up
    }
  }
  for (Command& command : commands) {
    std::ranges::sort(command.microseconds);
    std::printf("%s\t%.1f\t%.1f\t%ld\n", command.name.c_str(), command.microseconds.front(),
                command.microseconds[command.microseconds.size() / 2], command.most_rss);
  }
}
