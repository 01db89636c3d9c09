// SPDX-License-Identifier: Apache-2.0
/* usage RUNS COMMAND...: runs the command, without output, and prints its peak resident memory in KiB
   and the median time from start to exit in microseconds. Small and static itself, since a process
   begins with the peak of the one that started it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int compare(const void *a, const void *b) {
  const long x = *(const long *)a, y = *(const long *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  static long times[1000];
  const int runs = argc > 2 ? atoi(argv[1]) : 0;
  long peak = 0;
  if (runs < 1 || runs > 1000) return 2;
  for (int i = 0; i < runs; ++i) {
    struct timespec from, to;
    struct rusage used;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &from);
    const pid_t child = fork();
    if (child == 0) {
      const int null = open("/dev/null", O_RDWR);
      dup2(null, 1);
      execv(argv[2], argv + 2);
      _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child) return 3;
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fprintf(stderr, "usage: %s failed\n", argv[2]);
      return 1;
    }
    if (used.ru_maxrss > peak) peak = used.ru_maxrss;
    times[i] = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
  }
  qsort(times, (size_t)runs, sizeof *times, compare);
  printf("%ld %ld\n", peak, times[runs / 2]);
  return 0;
}
